//! Where in a file a page ends and the next one goes on.

use std::{fmt, str::FromStr};

/// How many bytes in front of a place must still be what they were. Few files have the same text there
/// after they were written anew.
pub(super) const KNOWN_BYTES: usize = 64;

/// A place in a file, and what was in front of it. `Display` and `FromStr` are its form in the
/// address of a page, `<inode>-<offset>-<check>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Which file it is.
    pub(super) inode: u64,
    /// Bytes in front of the place; with 0 there is nothing more.
    pub(super) offset: u64,
    /// Another one when other bytes are in front of it.
    check: u32,
}

impl Place {
    /// In front of which there is nothing.
    pub(super) const END: Self = Self { inode: 0, offset: 0, check: 0 };

    /// A place behind these bytes.
    pub(super) fn behind(inode: u64, offset: u64, known: &[u8]) -> Self {
        Self { inode, offset, check: check(known) }
    }
}

/// FNV-1a: the same with every build of every server.
fn check(bytes: &[u8]) -> u32 {
    let add = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, add)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.inode, self.offset, self.check)
    }
}

/// A text that is not a place.
#[derive(Debug)]
pub(crate) struct NotAPlace;

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let mut numbers = text.split('-').map(|number| {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| number.parse::<u64>().ok()).flatten()
        });
        let mut next = || numbers.next().flatten().ok_or(NotAPlace);
        let (inode, offset, check) = (next()?, next()?, next()?);
        let check = u32::try_from(check).map_err(|_| NotAPlace)?;
        if numbers.next().is_some() { Err(NotAPlace) } else { Ok(Self { inode, offset, check }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_goes_there_and_back_and_nothing_else_is_one() {
        let place = Place::behind(u64::MAX, 7, b"what is in front");
        assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        assert_ne!(place, Place::behind(u64::MAX, 7, b"what is in fronT"));
        for text in ["", "-", "1", "1-2", "1-2-", "1-2-3-4", "+1-2-3", "a-1-1", "1-2-4294967296"] {
            assert!(text.parse::<Place>().is_err(), "{text:?}");
        }
    }
}
