//! One field of a cron expression.
//!
//! The grammar is that of robfig/cron's `getField`: a list of `*`, `?`, numbers, names and ranges,
//! each of the last four perhaps with a step; empty places in the list are passed over.

use std::ops::RangeInclusive;

use thiserror::Error;
use tjf_api_types::Shown;

/// What a field counts, and from where to where.
#[derive(Debug)]
pub(super) struct Bounds {
    what: &'static str,
    min: u8,
    max: u8,
    /// Names of the values from `min` on. In a schedule they are their first three letters, in any
    /// case.
    names: &'static [&'static str],
}

pub(super) const MINUTE: Bounds = Bounds { what: "minute", min: 0, max: 59, names: &[] };
pub(super) const HOUR: Bounds = Bounds { what: "hour", min: 0, max: 23, names: &[] };
pub(super) const DAY_OF_MONTH: Bounds =
    Bounds { what: "day of the month", min: 1, max: 31, names: &[] };
pub(super) const MONTH: Bounds = Bounds {
    what: "month",
    min: 1,
    max: 12,
    names: &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ],
};
pub(super) const DAY_OF_WEEK: Bounds = Bounds {
    what: "day of the week",
    min: 0,
    max: 6,
    names: &["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
};

/// Why a text is not a field of a schedule. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// A word or a sign where a value should be.
    #[error("`{text}` can't be read as the {what}: write {expected}")]
    NotAValue {
        /// What was typed.
        text: String,
        /// What the field counts.
        what: &'static str,
        /// What could stand there.
        expected: String,
    },
    /// A number that the field does not have.
    #[error("`{text}` is not a valid {what}: it goes from {min} to {max}")]
    OutOfRange {
        /// What was typed.
        text: String,
        /// What the field counts.
        what: &'static str,
        /// The smallest value.
        min: u8,
        /// The largest value.
        max: u8,
    },
    /// `7` as a day of the week, which is Sunday for other programs.
    #[error("Sunday is `0` here and not `7`; Friday to Sunday are `0,5-6`")]
    SundayIsZero,
    /// A range whose end lies before its beginning.
    #[error("the range `{text}` runs backwards: write `{meant}`")]
    Backwards {
        /// What was typed.
        text: String,
        /// Two ranges around the end of the field, or with a step all values.
        meant: String,
    },
    /// A step that is not a number, or 0.
    #[error("`{text}` is not a step: write a number from 1 to {max} after the `/`")]
    NotAStep {
        /// What was typed.
        text: String,
        /// The largest step.
        max: u8,
    },
    /// A step that goes beyond the range at once.
    #[error("the step of `{text}` goes beyond its range, which leaves only `{left}`: write that")]
    StepTooWide {
        /// What was typed.
        text: String,
        /// The only value that it has.
        left: u8,
    },
    /// Nothing but commas.
    #[error("a list without a value never comes: write `*` for any {what}")]
    Empty {
        /// What the field counts.
        what: &'static str,
    },
}

/// The values that a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// Bit `n` is set when `n` is one of them.
    bits: u64,
    has_star: bool,
}

impl Field {
    pub(super) fn parse(text: &str, bounds: &Bounds) -> Result<Self, FieldError> {
        let mut field = Self { bits: 0, has_star: false };
        for part in text.split(',').filter(|part| !part.is_empty()) {
            field.add(part, bounds)?;
        }
        if field.bits == 0 { Err(FieldError::Empty { what: bounds.what }) } else { Ok(field) }
    }

    /// Whether the field has this value, as the calendar gives it. Nothing negative is in a field.
    pub(super) fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits >> value & 1 == 1)
    }

    /// How far it is from a value to the next larger one that the field has, or to the end.
    pub(super) fn distance(self, value: i8, end: u8) -> i32 {
        let value = u8::try_from(value).unwrap_or(0);
        let next = (value + 1..end).find(|next| self.bits >> next & 1 == 1).unwrap_or(end);
        i32::from(next - value)
    }

    /// Whether a `*` or a `?` was written without a step, or with the step 1: to robfig/cron this
    /// field then says nothing about a day, while `*/2` does.
    pub(super) fn has_star(self) -> bool {
        self.has_star
    }

    /// The smallest value.
    pub(super) fn min(self) -> u8 {
        u8::try_from(self.bits.trailing_zeros()).unwrap_or(u8::MAX)
    }

    fn add(&mut self, part: &str, bounds: &Bounds) -> Result<(), FieldError> {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, Some(step)),
            None => (part, None),
        };
        let is_star = matches!(span, "*" | "?");
        let values = bounds.range(span, part, is_star, step)?;
        let step = step.map_or(Ok(1), |step| bounds.step(step, part, &values))?;
        self.has_star |= is_star && step == 1;
        for value in values.step_by(usize::from(step)) {
            self.bits |= 1 << value;
        }
        Ok(())
    }
}

impl Bounds {
    /// The values of a part before its step. With a step, `N/step` means `N-max/step` to
    /// robfig/cron.
    fn range(
        &self,
        span: &str,
        part: &str,
        is_star: bool,
        step: Option<&str>,
    ) -> Result<RangeInclusive<u8>, FieldError> {
        let (first, last) = match span.split_once('-') {
            None if is_star => (self.min, self.max),
            None if step.is_some() => (self.value(span, part)?, self.max),
            None => {
                let value = self.value(span, part)?;
                (value, value)
            }
            Some((first, last)) => (self.value(first, part)?, self.value(last, part)?),
        };
        if first > last {
            return Err(self.backwards(span, part, step.and_then(number), first, last));
        }
        Ok(first..=last)
    }

    /// Around the end of the field a step goes on where it was, which two ranges can't say.
    fn backwards(
        &self,
        span: &str,
        part: &str,
        step: Option<u8>,
        first: u8,
        last: u8,
    ) -> FieldError {
        let Some(step @ 2..) = step else {
            let meant = format!("{first}-{},{}-{last}", self.max, self.min);
            return FieldError::Backwards { text: shown(span), meant };
        };
        let around = (first..=self.max).chain(self.min..=last).step_by(usize::from(step));
        let meant = around.map(|value| value.to_string()).collect::<Vec<_>>().join(",");
        FieldError::Backwards { text: shown(part), meant }
    }

    fn value(&self, text: &str, part: &str) -> Result<u8, FieldError> {
        if let Some(index) =
            self.names.iter().position(|name| text.eq_ignore_ascii_case(short(name)))
        {
            return Ok(self.min.saturating_add(u8::try_from(index).unwrap_or(u8::MAX)));
        }
        match number(text) {
            Some(value) if (self.min..=self.max).contains(&value) => Ok(value),
            Some(7) if self.what == DAY_OF_WEEK.what => Err(FieldError::SundayIsZero),
            Some(_) => Err(FieldError::OutOfRange {
                text: shown(text),
                what: self.what,
                min: self.min,
                max: self.max,
            }),
            None => Err(FieldError::NotAValue {
                text: shown(if text.is_empty() { part } else { text }),
                what: self.what,
                expected: self.expected(text),
            }),
        }
    }

    /// What could stand in the place of a text: the short name when it is a longer one, in whole or
    /// in part (`tues`). `mon#1` and `fril` mean something else to those who write them.
    fn expected(&self, text: &str) -> String {
        let text = text.to_ascii_lowercase();
        let is_longer = |name: &&&str| {
            let singular = text.strip_suffix('s').filter(|singular| singular == *name);
            text.starts_with(short(name)) && name.starts_with(singular.unwrap_or(&text))
        };
        match (self.names.iter().find(is_longer), self.names.first()) {
            (Some(name), _) => format!("`{}`", short(name)),
            (None, Some(name)) => {
                let (min, max, name) = (self.min, self.max, short(name));
                format!("a number from {min} to {max}, or a name such as `{name}`")
            }
            (None, None) => format!("a number from {} to {}", self.min, self.max),
        }
    }

    /// A step may be as wide as its range: `*/60` is what it says, once in 60 minutes. A wider one
    /// is not, `*/90` would come every 60 minutes too.
    fn step(&self, text: &str, part: &str, values: &RangeInclusive<u8>) -> Result<u8, FieldError> {
        let width = values.end() - values.start() + 1;
        match number(text) {
            None | Some(0) => Err(FieldError::NotAStep { text: shown(part), max: width }),
            Some(step) if step > width => {
                Err(FieldError::StepTooWide { text: shown(part), left: *values.start() })
            }
            Some(step) => Ok(step),
        }
    }
}

/// Digits, perhaps after a `+` as Go's `Atoi` takes it. What is too large for us is so for every
/// field.
fn number(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u8::MAX))
}

/// A name as a schedule has it.
fn short(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}

fn shown(text: &str) -> String {
    Shown::new(text).to_string()
}
