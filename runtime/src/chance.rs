//! Chance: the one place where numbers come from that nobody can foresee.

use rustix::{
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

/// A number out of the operating system's own randomness.
///
/// # Panics
/// When Linux is older than 3.17, on which nothing else here works either.
#[expect(
    clippy::expect_used,
    reason = "so few bytes are always given, once the system has started"
)]
pub fn number() -> u64 {
    let mut bytes = [0; 8];
    loop {
        match getrandom(&mut bytes, GetRandomFlags::empty()) {
            // While the machine starts a signal may come in between.
            Err(Errno::INTR) => {}
            given => {
                given.expect("Linux has randomness");
                return u64::from_ne_bytes(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_number_comes_twice_and_every_bit_does() {
        let numbers: HashSet<u64> = (0..1000).map(|_| number()).collect();
        assert_eq!(numbers.len(), 1000);
        assert_eq!(numbers.iter().fold(0, |all, number| all | number), u64::MAX);
    }
}
