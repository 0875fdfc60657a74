//! Times as they cross the wire.

use jiff::{Timestamp, Unit};

/// RFC 3339, UTC, whole seconds: as Kubernetes itself writes times.
pub fn written(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}
