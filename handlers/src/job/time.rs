//! Times as they cross the wire.

use jiff::{Timestamp, Unit, civil};

/// RFC 3339, UTC, whole seconds: as Kubernetes itself writes times.
pub fn written(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// What a clock on the wall shows, to the minute.
pub fn on_the_wall(local: civil::DateTime) -> String {
    local.strftime("%Y-%m-%dT%H:%M").to_string()
}
