//! Amounts of memory and CPU, as Kubernetes writes them.
//!
//! Kubernetes takes more than was meant: `512m` is half a byte to it and `Mi` is zero bytes, and
//! the mistake shows only when the job is killed. So what a user types is taken strictly, and a
//! refusal names what was probably meant. What Kubernetes itself gives back (quotas, limits) is
//! read leniently.
//!
//! A text becomes a whole number at once, of bytes or of thousandths of a core, so that `1Gi` and
//! `1024Mi` compare as equal. The grammar is that of apimachinery's `resource.Quantity`.

mod number;
mod typed;

use std::fmt;

use thiserror::Error;
use tjf_api_types::Shown;

use self::number::{Number, SUFFIXES, split};
pub use self::typed::{Amount, Quantity};

/// An amount of memory: whole bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory(u64);

/// An amount of computing time: whole thousandths of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpu(u64);

/// Why a text is not an amount that a job can have. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum QuantityError {
    /// Not a number with or without a unit.
    #[error("`{text}` is not a quantity: write {meant}")]
    NotAQuantity {
        /// What was typed.
        text: String,
        /// What was probably meant, or an example.
        meant: String,
    },
    /// Finer than what Kubernetes counts.
    #[error("`{text}` is not a whole number of {smallest}: write {meant}")]
    Fraction {
        /// What was typed.
        text: String,
        /// What is counted.
        smallest: &'static str,
        /// What was probably meant, or an example.
        meant: String,
    },
    /// Nothing at all.
    #[error("a limit must be more than zero: write {meant}")]
    Zero {
        /// An example.
        meant: String,
    },
    /// More than Kubernetes can count.
    #[error("`{text}` is more than any machine has: write {meant}")]
    TooLarge {
        /// What was typed.
        text: String,
        /// An example.
        meant: String,
    },
}

impl Memory {
    /// Up to here a job gets all of its limit for certain; of a larger limit, half.
    const REQUEST_WHOLE_MAX: u64 = 512 << 20;

    /// Reads what a user typed.
    ///
    /// # Errors
    ///
    /// [`QuantityError`] for what is not a positive number of whole bytes, written without sign and
    /// blanks.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        parse(text, &BYTES).map(Self)
    }

    /// Reads what Kubernetes gives back, rounded up to a byte as Kubernetes does it. What is more
    /// than fits is as much as fits.
    pub fn parse_stored(text: &str) -> Option<Self> {
        parse_stored(text, &BYTES).map(Self)
    }

    /// The amount in bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// What is set aside for a job with this limit: all of it up to 512Mi, else half.
    #[must_use]
    pub fn request(self) -> Self {
        if self.0 <= Self::REQUEST_WHOLE_MAX { self } else { Self(self.0.div_ceil(2)) }
    }
}

impl fmt::Display for Memory {
    /// The shortest spelling: the largest unit of which it is a whole number, the binary ones
    /// first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, binary, decimal) in SUFFIXES.into_iter().rev() {
            let unit = 10_u64.pow(u32::try_from(decimal).unwrap_or(0)) << binary;
            if name.is_empty() || (self.0 != 0 && self.0.is_multiple_of(unit)) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        Ok(())
    }
}

impl Cpu {
    /// Up to here a job gets all of its limit for certain; of a larger limit, half.
    const REQUEST_WHOLE_MAX: u64 = 500;

    /// Reads what a user typed.
    ///
    /// # Errors
    ///
    /// [`QuantityError`] for what is not a positive number of whole thousandths of a core, written
    /// without sign and blanks.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        parse(text, &MILLICORES).map(Self)
    }

    /// Reads what Kubernetes gives back, rounded up to a thousandth of a core as Kubernetes does
    /// it. What is more than fits is as much as fits.
    pub fn parse_stored(text: &str) -> Option<Self> {
        parse_stored(text, &MILLICORES).map(Self)
    }

    /// The amount in thousandths of a core.
    pub fn millicores(self) -> u64 {
        self.0
    }

    /// What is set aside for a job with this limit: all of it up to 500m, else half.
    #[must_use]
    pub fn request(self) -> Self {
        if self.0 <= Self::REQUEST_WHOLE_MAX { self } else { Self(self.0.div_ceil(2)) }
    }
}

impl fmt::Display for Cpu {
    /// Whole cores, or thousandths.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) {
            write!(f, "{}", self.0 / 1000)
        } else {
            write!(f, "{}m", self.0)
        }
    }
}

/// What is counted of a resource.
struct Unit {
    smallest: &'static str,
    /// How many decimal places there are between the resource's own unit and the smallest.
    places: i32,
    example: &'static str,
    /// What a number and a wrong suffix, in lower case, were probably meant to be.
    guess: fn(&str, &str) -> Vec<String>,
}

const BYTES: Unit = Unit {
    smallest: "bytes",
    places: 0,
    example: "a number and a unit, such as `512Mi`",
    guess: guess_memory,
};

const MILLICORES: Unit = Unit {
    smallest: "thousandths of a core",
    places: 3,
    example: "a number of cores such as `0.5`, or of thousandths such as `500m`",
    guess: guess_cpu,
};

/// Kubernetes counts in 64 bits with a sign. Whatever has a binary unit and is more, such as `12Ei`,
/// it quietly takes for this.
const AMOUNT_MAX: u64 = i64::MAX.unsigned_abs();

fn parse(text: &str, unit: &Unit) -> Result<u64, QuantityError> {
    let shown = || Shown::new(text).to_string();
    let example = || unit.example.to_owned();
    let Some(number) = Number::parse(text) else {
        return Err(QuantityError::NotAQuantity { text: shown(), meant: meant(text, unit) });
    };
    match number.in_units(unit.places) {
        (0, _) => Err(QuantityError::Zero { meant: example() }),
        (_, false) => Err(QuantityError::Fraction {
            text: shown(),
            smallest: unit.smallest,
            meant: meant(text, unit),
        }),
        (amount, true) => u64::try_from(amount)
            .ok()
            .filter(|amount| *amount <= AMOUNT_MAX)
            .ok_or_else(|| QuantityError::TooLarge { text: shown(), meant: example() }),
    }
}

fn parse_stored(text: &str, unit: &Unit) -> Option<u64> {
    let number = Number::parse_stored(text)?;
    let (whole, _) = number.in_units(0);
    let is_capped = number.is_binary() && whole > u128::from(AMOUNT_MAX);
    let number = if is_capped { Number::from(AMOUNT_MAX) } else { number };
    let (amount, _) = number.in_units(unit.places);
    Some(u64::try_from(amount).unwrap_or(u64::MAX))
}

/// What was probably meant, or an example.
fn meant(text: &str, unit: &Unit) -> String {
    let is_taken = |text: &String| {
        let amount = Number::parse(text).map(|number| number.in_units(unit.places));
        text.len() <= Shown::CHARACTERS_MAX && matches!(amount, Some((1.., true)))
    };
    let cleaned: String = text.split_whitespace().collect::<String>().replace(',', ".");
    let cleaned = cleaned.trim_start_matches('+').to_owned();
    if is_taken(&cleaned) {
        return format!("`{cleaned}`");
    }
    let (digits, suffix) = split(&cleaned);
    let mut guesses = (unit.guess)(digits, &suffix.to_ascii_lowercase());
    guesses.retain(is_taken);
    if guesses.is_empty() {
        unit.example.to_owned()
    } else {
        format!("`{}`", guesses.join("` or `"))
    }
}

fn guess_memory(digits: &str, suffix: &str) -> Vec<String> {
    let suffix = suffix.trim_end_matches("bytes").trim_end_matches("byte").trim_end_matches('b');
    let letter = suffix.trim_end_matches('i').to_ascii_uppercase();
    let decimal = if letter == "K" { "k" } else { &letter };
    let binary = format!("{digits}{letter}i");
    if suffix.ends_with('i') { vec![binary] } else { vec![binary, format!("{digits}{decimal}")] }
}

fn guess_cpu(digits: &str, suffix: &str) -> Vec<String> {
    match suffix {
        "c" | "core" | "cores" | "cpu" | "cpus" | "vcpu" | "vcpus" => vec![digits.to_owned()],
        "mc" | "mcpu" | "mcore" | "mcores" | "millicore" | "millicores" | "millicpu" => {
            vec![format!("{digits}m")]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
