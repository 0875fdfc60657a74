//! A list, read object by object.

use serde::de::DeserializeOwned;

use super::{Reader, cutter::Cutter};
use crate::{cluster::ClusterError, job::objects::List};

/// Up to here a list is read at once, at its end, which is quicker; it is in memory anyway.
const SMALL_BYTES_MAX: usize = 64 * 1024;

/// Reads a list. When one object in it can't be read, the others still are.
pub(in crate::cluster) struct ListReader<T> {
    /// Of a small list, all.
    bytes: Vec<u8>,
    large: Option<Pieces<T>>,
    bytes_read: usize,
}

/// The objects of a list that is read in pieces.
struct Pieces<T> {
    cutter: Cutter,
    items: Vec<T>,
    left_out: Option<LeftOut>,
}

/// What is not told of a list.
struct LeftOut {
    count: u32,
    /// Why the first of them can't be read.
    error: serde_json::Error,
}

impl<T> Default for ListReader<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), large: None, bytes_read: 0 }
    }
}

impl<T: DeserializeOwned> Reader for ListReader<T> {
    type Output = List<T>;

    fn feed(&mut self, bytes: &[u8]) -> Result<(), ClusterError> {
        self.bytes_read += bytes.len();
        if let Some(large) = &mut self.large {
            return large.feed(bytes);
        }
        if self.bytes.len() + bytes.len() <= SMALL_BYTES_MAX {
            self.bytes.extend_from_slice(bytes);
            return Ok(());
        }
        let large = self.large.insert(Pieces::new());
        large.feed(&std::mem::take(&mut self.bytes))?;
        large.feed(bytes)
    }

    fn finish(self) -> Result<List<T>, ClusterError> {
        let mut list = match self.large {
            Some(large) => large.finish()?,
            None => read_small(&self.bytes)?,
        };
        list.metadata.bytes = self.bytes_read;
        Ok(list)
    }
}

fn read_small<T: DeserializeOwned>(list: &[u8]) -> Result<List<T>, ClusterError> {
    match serde_json::from_slice(list) {
        Ok(list) => Ok(list),
        Err(error) if error.is_data() => {
            let mut pieces = Pieces::new();
            pieces.feed(list)?;
            pieces.finish()
        }
        Err(error) => Err(ClusterError::Unreadable(error)),
    }
}

impl<T: DeserializeOwned> Pieces<T> {
    fn new() -> Self {
        Self { cutter: Cutter::default(), items: Vec::new(), left_out: None }
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), ClusterError> {
        let Self { cutter, items, left_out } = self;
        cutter.feed(bytes, |item| {
            match serde_json::from_slice(item) {
                Ok(item) => items.push(item),
                Err(error) if error.is_data() => {
                    left_out.get_or_insert(LeftOut { count: 0, error }).count += 1;
                }
                Err(error) => return Err(ClusterError::Unreadable(error)),
            }
            Ok(())
        })
    }

    fn finish(self) -> Result<List<T>, ClusterError> {
        let Self { cutter, items, left_out } = self;
        let List::<T> { metadata, .. } =
            serde_json::from_slice(&cutter.into_envelope()).map_err(ClusterError::Unreadable)?;
        if let Some(LeftOut { count, error }) = left_out {
            tracing::warn!(%error, count, "objects of a list can't be read, and are left out");
        }
        Ok(List { metadata, items })
    }
}
