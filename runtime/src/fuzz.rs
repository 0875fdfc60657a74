//! What the tests of parsers share: very many inputs, most of them near to what is valid.
//!
//! In every run a parser gets the same few inputs. `cargo fuzz-parsers` gives each a million others,
//! and says how many that were.

use std::{cell::Cell, ops::Range, time::Duration};

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{RngSeed, TestCaseError, TestRunner},
};
use tokio::time::Instant;

use crate::chance;

/// Inputs of a parser in every run.
const INPUTS: u32 = 1_000;
/// The seed of these.
const SEED: u64 = 12;
/// No parser takes so long, on a machine that does much else.
const INPUT_TIME_MAX: Duration = Duration::from_secs(10);

/// Holds a parser to a property: it says whether the input was taken, or why it is wrong that it was
/// or was not.
///
/// `TJF_FUZZ_INPUTS` is another number of inputs. They are others too: `TJF_FUZZ_SEED` repeats them.
///
/// # Panics
/// When there is an input for which the property does not hold; the text has the simplest that was
/// found. Also when all inputs were taken, or none: such inputs prove nothing.
pub fn fuzz<S: Strategy>(
    parser: &str,
    inputs: S,
    property: impl Fn(S::Value) -> Result<bool, TestCaseError>,
) {
    let wanted = variable("TJF_FUZZ_INPUTS").and_then(|text| text.parse().ok());
    let seed = match wanted {
        Some(_) => variable("TJF_FUZZ_SEED")
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(chance::number),
        None => SEED,
    };
    let mut runner = TestRunner::new(ProptestConfig {
        cases: wanted.unwrap_or(INPUTS),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let (taken, refused) = (Cell::new(0_u64), Cell::new(0_u64));
    let began = Instant::now();
    let outcome = runner.run(&inputs, |input| {
        let began = Instant::now();
        let count = if property(input)? { &taken } else { &refused };
        count.set(count.get() + 1);
        let time = began.elapsed();
        prop_assert!(time < INPUT_TIME_MAX, "it takes {time:?}");
        Ok(())
    });
    let (taken, refused) = (taken.get(), refused.get());
    let seconds = began.elapsed().as_secs_f32();
    tell(&format!(
        "fuzzed {parser}: {} inputs, {taken} of them taken, in {seconds:.1} s, with the seed {seed}",
        taken + refused
    ));
    if let Err(error) = outcome {
        panic!("{parser}, with the seed {seed}: {error}");
    }
    assert!(taken > 0 && refused > 0, "{parser}: {taken} taken, {refused} refused");
}

/// Bytes of which most are one of `valid` with a few changes; some are none at all.
pub fn bytes_near<T: AsRef<[u8]>>(valid: &[T]) -> BoxedStrategy<Vec<u8>> {
    let valid: Vec<_> = valid.iter().map(|one| one.as_ref().to_vec()).collect();
    let changed = (select(valid.clone()), vec(change(valid), 0..5)).prop_map(|(bytes, changes)| {
        changes.into_iter().fold(bytes, |bytes, change| change.apply(bytes))
    });
    prop_oneof![
        8 => changed,
        1 => vec(any::<u8>(), 0..80),
        1 => any::<String>().prop_map(String::into_bytes),
    ]
    .boxed()
}

/// The same as text: what is not UTF-8 becomes U+FFFD.
pub fn text_near<T: AsRef<[u8]>>(valid: &[T]) -> BoxedStrategy<String> {
    bytes_near(valid).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).boxed()
}

/// Something that is done to an input.
#[derive(Debug, Clone)]
enum Change {
    Remove(Piece),
    Repeat(Piece, usize),
    /// Puts a piece of this, which is also valid, somewhere.
    Insert(Vec<u8>, Piece, Index),
    InsertRaw(Vec<u8>, Index),
    Flip(Index, u8),
}

/// A piece of an input: from where, and how long at most.
#[derive(Debug, Clone)]
struct Piece(Index, usize);

impl Piece {
    fn of(&self, bytes: &[u8]) -> Range<usize> {
        let from = self.0.index(bytes.len() + 1);
        from..bytes.len().min(from.saturating_add(self.1))
    }
}

fn piece() -> impl Strategy<Value = Piece> {
    // Most are short; one that is long is often all of the rest.
    let length = prop_oneof![4 => 1..4_usize, 2 => 4..40_usize, 1 => 40..4000_usize];
    (any::<Index>(), length).prop_map(|(from, length)| Piece(from, length))
}

fn change(valid: Vec<Vec<u8>>) -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => piece().prop_map(Change::Remove),
        1 => (piece(), 1..60_usize).prop_map(|(piece, times)| Change::Repeat(piece, times)),
        4 => (select(valid), piece(), any::<Index>())
            .prop_map(|(bytes, piece, at)| Change::Insert(bytes, piece, at)),
        1 => (vec(any::<u8>(), 1..4), any::<Index>())
            .prop_map(|(bytes, at)| Change::InsertRaw(bytes, at)),
        1 => (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
    ]
}

impl Change {
    fn apply(self, mut bytes: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Remove(piece) => drop(bytes.drain(piece.of(&bytes))),
            Self::Repeat(piece, times) => {
                let range = piece.of(&bytes);
                let repeated = bytes[range.clone()].repeat(times);
                bytes.splice(range.end..range.end, repeated);
            }
            Self::Insert(other, piece, at) => insert(&mut bytes, &at, &other[piece.of(&other)]),
            Self::InsertRaw(raw, at) => insert(&mut bytes, &at, &raw),
            Self::Flip(at, bit) => {
                let length = bytes.len().max(1);
                if let Some(byte) = bytes.get_mut(at.index(length)) {
                    *byte ^= 1 << bit;
                }
            }
        }
        bytes
    }
}

fn insert(bytes: &mut Vec<u8>, at: &Index, inserted: &[u8]) {
    let at = at.index(bytes.len() + 1);
    bytes.splice(at..at, inserted.iter().copied());
}

#[expect(clippy::disallowed_methods, reason = "the one place of these tests")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::print_stdout, reason = "a test's own words, which its harness keeps to itself")]
fn tell(text: &str) {
    println!("{text}");
}
