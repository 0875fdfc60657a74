//! Many texts that are looked for at once, in one pass over the bytes.

use std::collections::{HashMap, HashSet};

use base64::{Engine, engine::general_purpose::STANDARD};

/// By so many bytes at its beginning a text is found. None is shorter.
const START: usize = 8;
/// No text is longer.
pub(super) const BYTES_MAX: usize = 128;
/// How many bits of the hash of a beginning are used to pass over most bytes quickly.
const FILTER_BITS: u32 = 20;

/// The texts.
pub(super) struct Needles {
    all: HashSet<Vec<u8>>,
    by_start: HashMap<[u8; START], Vec<Vec<u8>>>,
    filter: Vec<bool>,
}

impl Default for Needles {
    fn default() -> Self {
        let filter = vec![false; 1 << FILTER_BITS];
        Self { all: HashSet::new(), by_start: HashMap::new(), filter }
    }
}

impl Needles {
    /// Adds a text, or only its beginning when it is very long.
    pub(super) fn add(&mut self, mut text: Vec<u8>) {
        text.truncate(BYTES_MAX);
        let Some(start) = text.first_chunk::<START>().copied() else { return };
        if self.all.insert(text.clone()) {
            self.filter[place(start)] = true;
            self.by_start.entry(start).or_default().push(text);
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Where the first of them begins.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        bytes.windows(START).enumerate().find_map(|(at, window)| {
            let start = *window.first_chunk::<START>()?;
            if !self.filter[place(start)] {
                return None;
            }
            let texts = self.by_start.get(&start)?;
            texts.iter().any(|text| bytes[at..].starts_with(text)).then_some(at)
        })
    }
}

/// A beginning's place in the filter: the best mixed bits of a product with an odd number.
fn place(start: [u8; START]) -> usize {
    let hash = u64::from_le_bytes(start).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(hash >> (u64::BITS - FILTER_BITS)).unwrap_or(0)
}

pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Bytes as they may be written: as they are, in base64 wherever they begin in it, in hexadecimal, and as
/// Rust shows a list of numbers.
pub(super) fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let in_base64 = (0..3).filter_map(|skipped| {
        let whole = bytes.get(skipped..)?;
        let (triples, _) = whole.as_chunks::<3>();
        Some(STANDARD.encode(triples.as_flattened()))
    });
    let hexadecimal: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let texts = in_base64.chain([hexadecimal.to_uppercase(), hexadecimal, numbers]);
    texts.map(String::into_bytes).chain([bytes.to_vec()]).collect()
}

/// A text as it is, and as it is written between quotes in JSON and by Rust.
pub(super) fn spellings(text: &str) -> [String; 3] {
    let within = |quoted: &str| quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
    let in_json = serde_json::Value::from(text).to_string();
    [text.to_owned(), within(&in_json), within(&format!("{text:?}"))]
}
