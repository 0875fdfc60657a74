//! A number with a suffix, as it is written.
//!
//! Numbers stay exact until the unit is known in which they are counted: `1.5Gi` is whole in bytes,
//! and `0.5` is whole in thousandths.

/// Each suffix with the powers of 2 and of 10 that it stands for, in rising order of each kind.
pub(super) const SUFFIXES: [(&str, u32, i32); 16] = [
    ("n", 0, -9),
    ("u", 0, -6),
    ("m", 0, -3),
    ("", 0, 0),
    ("k", 0, 3),
    ("M", 0, 6),
    ("G", 0, 9),
    ("T", 0, 12),
    ("P", 0, 15),
    ("E", 0, 18),
    ("Ki", 10, 0),
    ("Mi", 20, 0),
    ("Gi", 30, 0),
    ("Ti", 40, 0),
    ("Pi", 50, 0),
    ("Ei", 60, 0),
];

/// A number as it is written: `mantissa` × 2^`binary` × 10^`decimal`.
pub(super) struct Number {
    mantissa: u128,
    binary: u32,
    decimal: i32,
}

impl Number {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (digits, suffix) = split(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.contains('.') || whole.len() + fraction.len() == 0 {
            return None;
        }
        let (binary, decimal) = exponents(suffix)?;
        let fraction = fraction.trim_end_matches('0');
        let places = i32::try_from(fraction.len()).ok()?;
        // What does not fit stays beyond all bounds: it is no multiple of 10, so never whole
        // either.
        let mantissa = format!("0{whole}{fraction}").parse().unwrap_or(u128::MAX);
        Some(Self { mantissa, binary, decimal: decimal.checked_sub(places)? })
    }

    /// The amount in units with so many decimal places, rounded up, and whether that is exact.
    pub(super) fn in_units(&self, places: i32) -> (u128, bool) {
        let power = |exponent: i32| 10_u128.checked_pow(exponent.unsigned_abs());
        let value = self.mantissa.saturating_mul(1 << self.binary);
        let exponent = self.decimal.saturating_add(places);
        match power(exponent) {
            _ if value == 0 => (0, true),
            factor if exponent >= 0 => (value.saturating_mul(factor.unwrap_or(u128::MAX)), true),
            Some(divisor) => (value.div_ceil(divisor), value.is_multiple_of(divisor)),
            None => (1, false),
        }
    }
}

/// The digits, with a point or not, and what stands behind them.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The powers of 2 and of 10 that a suffix stands for; `e3` is 10^3, while `E` alone is exa.
fn exponents(suffix: &str) -> Option<(u32, i32)> {
    match SUFFIXES.into_iter().find(|(name, ..)| *name == suffix) {
        Some((_, binary, decimal)) => Some((binary, decimal)),
        None => Some((0, suffix.strip_prefix(['e', 'E'])?.parse().ok()?)),
    }
}
