//! Times: that with which a line begins, and those that somebody asks for.

use jiff::{
    SignedDuration, Timestamp, civil,
    tz::{Offset, TimeZone},
};

/// As much of a line as its time may need.
pub(super) const TIME_BYTES_MAX: usize = 64;
/// Letters of a duration, and how many seconds each stands for.
const UNITS: [(u8, i64); 5] =
    [(b'w', 7 * 24 * 3600), (b'd', 24 * 3600), (b'h', 3600), (b'm', 60), (b's', 1)];

/// The time with which a line begins: RFC 3339, ISO 8601 and what Python's `logging` writes, with a
/// day and a time to the second at least. Without an offset it is taken for UTC.
pub(crate) fn of_line(line: &[u8]) -> Option<Timestamp> {
    let mut rest = Rest(line);
    let year = rest.number(4)?;
    let month = rest.after(b"-")?.number(2)?;
    let day = rest.after(b"-")?.number(2)?;
    let hour = rest.after(b"Tt ")?.number(2)?;
    let minute = rest.after(b":")?.number(2)?;
    let second = rest.after(b":")?.number(2)?;
    let nanosecond = rest.fraction();
    let offset = rest.offset().unwrap_or(Offset::UTC);
    if rest.0.first().is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let small = |number: i16| i8::try_from(number).ok();
    let local = civil::DateTime::new(
        year,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        nanosecond,
    );
    offset.to_timestamp(local.ok()?).ok()
}

/// What a text means at this moment: so long ago (`1h32m22s`), or a time of ISO 8601, which is UTC
/// when it does not say otherwise.
pub(crate) fn asked(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = duration(text) {
        return now.checked_sub(ago).ok();
    }
    let in_utc = || text.parse::<civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(in_utc()?.timestamp()))
}

/// Numbers, each with its unit, from the largest unit to the smallest.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut units = UNITS.iter();
    let (mut rest, mut seconds) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|digits| *digits > 0)?;
        let number: i64 = rest[..digits].parse().ok()?;
        let letter = rest.as_bytes()[digits];
        let (_, unit) = units.find(|(of_unit, _)| *of_unit == letter)?;
        seconds = seconds.checked_add(number.checked_mul(*unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(seconds))
}

/// What of a line has not been looked at.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// Passes over one of these bytes.
    fn after(&mut self, any: &[u8]) -> Option<&mut Self> {
        let (first, rest) = self.0.split_first()?;
        any.contains(first).then(|| {
            self.0 = rest;
            self
        })
    }

    /// A number of just so many digits.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')))
    }

    /// The nanoseconds of a fraction of a second, if there is one.
    fn fraction(&mut self) -> i32 {
        let [b'.' | b',', digits @ ..] = self.0 else { return 0 };
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return 0;
        }
        let (number, rest) = digits.split_at(length);
        self.0 = rest;
        let nine = number.iter().copied().chain(std::iter::repeat(b'0')).take(9);
        nine.fold(0, |sum, digit| sum * 10 + i32::from(digit - b'0'))
    }

    /// `Z`, `+01:00`, `+0100` or `+01`; behind a blank only with minutes, since `-5` may be anything.
    fn offset(&mut self) -> Option<Offset> {
        if self.after(b"Zz").is_some() {
            return Some(Offset::UTC);
        }
        let (behind_blank, signed) = match self.0 {
            [b' ', signed @ ..] => (true, signed),
            signed => (false, signed),
        };
        let sign = match signed.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let mut rest = Rest(&signed[1..]);
        let hours = i32::from(rest.number(2)?);
        let _ = rest.after(b":");
        let minutes = match rest.number(2) {
            Some(minutes) => i32::from(minutes),
            None if behind_blank => return None,
            None => 0,
        };
        let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
        self.0 = rest.0;
        Some(offset)
    }
}

#[cfg(test)]
mod tests;
