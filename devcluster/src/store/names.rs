//! Names that nobody chose.

/// As Kubernetes: without vowels and without what looks alike, so that no word comes up.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH: usize = 5;

/// An endless sequence of names, the same for the same seed (`SplitMix64`).
pub(super) struct Names(u64);

impl Names {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// What follows a `generateName`.
    pub(super) fn suffix(&mut self) -> String {
        let mut rest = self.next();
        let count = LETTERS.len() as u64;
        let mut letter = || {
            let letter = usize::try_from(rest % count).map_or(b'x', |index| LETTERS[index]);
            rest /= count;
            char::from(letter)
        };
        (0..SUFFIX_LENGTH).map(|_| letter()).collect()
    }

    /// A uid: a random UUID (RFC 9562, version 4).
    pub(super) fn uid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0x0fff);
        let (d, e) = (low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
