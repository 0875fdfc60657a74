//! A list, cut into its objects.

use serde::de::Error;

use super::append;
use crate::cluster::ClusterError;

/// The key of a list's objects, as it is written.
const ITEMS: &[u8] = b"\"items\"";

/// Where in the text of JSON a byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Outside,
    String,
    /// After a backslash in a string.
    Escape,
}

/// Cuts the JSON of a list into its objects, wherever the pieces end in which it comes. It knows no
/// more of JSON than where strings and brackets begin and end; the rest is told by those who read
/// what it cuts.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    place: Place,
    depth: usize,
    /// Whether the brackets around the objects are open.
    is_in_items: bool,
    /// Where in the envelope the last string began that is right in it: a key, before any bracket.
    key: usize,
    /// The list without its objects.
    envelope: Vec<u8>,
    /// What there is of the object that is coming in.
    item: Vec<u8>,
}

impl Cutter {
    /// Takes the next bytes, and hands on each object that ends in them.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), ClusterError>,
    ) -> Result<(), ClusterError> {
        // What comes before it has been put where it belongs.
        let mut from = 0;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.place != Place::Outside {
                at += self.skip_string(&bytes[at..]);
                continue;
            }
            let is_between_items = self.is_in_items && self.depth == 2;
            match byte {
                b'{' | b'[' => {
                    self.depth += 1;
                    if self.depth == 2 && byte == b'[' {
                        append(&mut self.envelope, &bytes[from..=at])?;
                        from = at + 1;
                        self.is_in_items = self.is_key_items();
                    }
                }
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if is_between_items {
                        self.is_in_items = false;
                    } else if self.is_in_items && self.depth == 2 {
                        self.end_item(&bytes[from..=at], &mut each)?;
                        from = at + 1;
                    }
                }
                b',' | b' ' | b'\n' | b'\r' | b'\t' if is_between_items => from = at + 1,
                _ if is_between_items => return Err(not_an_object()),
                b'"' => {
                    self.place = Place::String;
                    if self.depth == 1 {
                        self.key = self.envelope.len() + at - from;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        let is_in_item = self.is_in_items && self.depth > 2;
        append(if is_in_item { &mut self.item } else { &mut self.envelope }, &bytes[from..])
    }

    /// The list without its objects.
    pub(super) fn into_envelope(self) -> Vec<u8> {
        self.envelope
    }

    /// How many bytes lead out of a string, or to the end. Most of a large object is in strings.
    fn skip_string(&mut self, bytes: &[u8]) -> usize {
        if self.place == Place::Escape {
            self.place = Place::String;
            return 1;
        }
        let Some(at) = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')) else {
            return bytes.len();
        };
        self.place = if bytes[at] == b'"' { Place::Outside } else { Place::Escape };
        at + 1
    }

    /// Whether the bracket at the end of the envelope is that around the objects.
    fn is_key_items(&self) -> bool {
        let rest = self.envelope[self.key..].strip_prefix(ITEMS);
        rest.is_some_and(|rest| rest.iter().all(|byte| b": \n\r\t[".contains(byte)))
    }

    /// Hands on an object, of which these are the last bytes.
    fn end_item(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), ClusterError>,
    ) -> Result<(), ClusterError> {
        if self.item.is_empty() {
            return each(bytes);
        }
        append(&mut self.item, bytes)?;
        let outcome = each(&self.item);
        self.item.clear();
        outcome
    }
}

fn not_an_object() -> ClusterError {
    ClusterError::Unreadable(serde_json::Error::custom("a list holds more than objects"))
}
