//! Random numbers, straight from the system.

use std::hash::{BuildHasher, RandomState};

/// Any number. It makes names and keys unlikely to meet and spreads pauses; it guards no secret.
///
/// The standard library seeds its hash maps from the system's random numbers, which saves a crate.
/// Each state has its own keys, so hashing nothing gives a new number every time.
pub(crate) fn number() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_comes_twice() {
        assert_ne!(number(), number());
    }
}
