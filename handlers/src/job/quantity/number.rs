//! A number with a suffix, as it is written.
//!
//! Numbers stay exact until the unit is known in which they are counted: `1.5Gi` is whole in bytes,
//! and `0.5` is whole in thousandths.

use std::iter;

/// A number of that many digits is more than fits.
const DIGITS_MAX: usize = 39;

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

/// A number as it is written, made exact in decimal: `digits` × 10^`exponent`.
pub(super) struct Number {
    /// From 0 to 9 each, the largest place first and not 0; none of them for zero. There may be as
    /// many as a text has letters.
    digits: Vec<u8>,
    exponent: i64,
    /// Whether the suffix was a power of 2.
    is_binary: bool,
}

impl Number {
    /// Reads what a user typed, as it is meant.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::read(text, |exponent| exponent)
    }

    /// Reads what Kubernetes gives back, which may have a `+`, and an exponent of which it kept 32
    /// bits: its `1e4294967299` is 1000 (`interpret` in apimachinery's `suffix.go`).
    pub(super) fn parse_stored(text: &str) -> Option<Self> {
        Self::read(text.strip_prefix('+').unwrap_or(text), |exponent| {
            let [a, b, c, d, ..] = exponent.to_le_bytes();
            i64::from(i32::from_le_bytes([a, b, c, d]))
        })
    }

    fn read(text: &str, kept: fn(i64) -> i64) -> Option<Self> {
        let (number, suffix) = split(text);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || whole.len() + fraction.len() == 0 {
            return None;
        }
        let (binary, decimal) = exponents(suffix)?;
        let digits = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0');
        let places = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            digits: times_power_of_two(digits, binary),
            exponent: kept(decimal).saturating_sub(places),
            is_binary: binary != 0,
        })
    }

    /// The amount in units with so many decimal places, rounded up, and whether that is exact. What
    /// does not fit is as much as fits.
    pub(super) fn in_units(&self, places: i32) -> (u128, bool) {
        if self.digits.is_empty() {
            return (0, true);
        }
        let exponent = self.exponent.saturating_add(i64::from(places));
        let zeros = usize::try_from(exponent.max(0)).unwrap_or(usize::MAX);
        let cut = usize::try_from(exponent.saturating_neg().max(0)).unwrap_or(usize::MAX);
        let (whole, rest) = self.digits.split_at(self.digits.len().saturating_sub(cut));
        let is_exact = cut <= self.digits.len() && rest.iter().all(|digit| *digit == 0);
        if whole.len().saturating_add(zeros) >= DIGITS_MAX {
            return (u128::MAX, is_exact);
        }
        let whole = whole.iter().chain(iter::repeat_n(&0, zeros));
        let amount = whole.fold(0, |amount, digit| amount * 10 + u128::from(*digit));
        (amount + u128::from(!is_exact), is_exact)
    }

    /// Whether the suffix was a power of 2.
    pub(super) fn is_binary(&self) -> bool {
        self.is_binary
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        let digits = value.to_string().into_bytes().into_iter().map(|digit| digit - b'0');
        Self { digits: times_power_of_two(digits, 0), exponent: 0, is_binary: false }
    }
}

/// The digits of a number 2^`binary` times as large, without zeros in front. Exponents are at most
/// 60: nine times that and what is carried fit.
fn times_power_of_two(digits: impl DoubleEndedIterator<Item = u8>, binary: u32) -> Vec<u8> {
    let mut product = Vec::new();
    let mut carry = 0_u64;
    let mut push = |sum: u64| {
        product.extend(u8::try_from(sum % 10));
        sum / 10
    };
    for digit in digits.rev() {
        carry = push((u64::from(digit) << binary) + carry);
    }
    while carry > 0 {
        carry = push(carry);
    }
    while product.pop_if(|digit| *digit == 0).is_some() {}
    product.reverse();
    product
}

/// The digits, with a point or not, and what stands behind them.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// The powers of 2 and of 10 that a suffix stands for; `e3` is 10^3, while `E` alone is exa.
fn exponents(suffix: &str) -> Option<(u32, i64)> {
    match SUFFIXES.into_iter().find(|(name, ..)| *name == suffix) {
        Some((_, binary, decimal)) => Some((binary, i64::from(decimal))),
        None => Some((0, suffix.strip_prefix(['e', 'E'])?.parse().ok()?)),
    }
}
