//! Names of time zones, checked against the database that is compiled in.
//!
//! Kubernetes looks a name up in its own copy of the IANA database, in files, and whether it finds
//! `europe/zurich` depends on their file system. So only the exact names are taken here.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

/// A name of the database that is not a place: its zone says that no zone was chosen.
const NO_ZONE: &str = "Factory";

/// Why a text is not the name of a time zone. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeZoneError {
    /// The right letters in the wrong case.
    #[error("this time zone is written `{meant}`")]
    Case {
        /// The name as the database has it.
        meant: String,
    },
    /// Not a name of the database.
    #[error("this time zone is not known: write a name as `Europe/Berlin`, or `Etc/UTC`")]
    Unknown,
}

/// Looks up a time zone by its exact name in the IANA database.
///
/// # Errors
///
/// [`TimeZoneError::Case`] when only the case is wrong, else [`TimeZoneError::Unknown`], also for
/// offsets such as `+02:00` and for `Local`.
pub fn time_zone(name: &str) -> Result<TimeZone, TimeZoneError> {
    // The lookup ignores case, and the zone that it gives knows how its name is really written.
    let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| TimeZoneError::Unknown)?;
    match zone.iana_name() {
        None | Some(NO_ZONE) => Err(TimeZoneError::Unknown),
        Some(exact) if exact == name => Ok(zone),
        Some(exact) => Err(TimeZoneError::Case { meant: exact.to_owned() }),
    }
}
