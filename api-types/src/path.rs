//! Paths of the API, for the router and for clients, so that they cannot drift apart.
//!
//! A pattern's `{name}` is its one variable. The trailing slash is optional in a request.

use crate::LogQuery;

/// What all of them begin with.
pub const BASE: &str = "/api/v1";
/// POST: create a job.
pub const RUN: &str = "/api/v1/run/";
/// GET: one job.
pub const SHOW: &str = "/api/v1/show/{name}/";
/// GET: all of the caller's jobs.
pub const LIST: &str = "/api/v1/list/";
/// DELETE: one job.
pub const DELETE: &str = "/api/v1/delete/{name}/";
/// DELETE: all of the caller's jobs.
pub const FLUSH: &str = "/api/v1/flush/";
/// GET: what one job has written.
pub const LOGS: &str = "/api/v1/logs/{name}/";
/// POST: new pods for a continuous job, a run now of a scheduled one.
pub const RESTART: &str = "/api/v1/restart/{name}/";
/// GET: limits of the caller, and what it uses of them.
pub const QUOTA: &str = "/api/v1/quota/";
/// GET: containers on offer.
pub const CONTAINERS: &str = "/api/v1/containers/";
/// GET: the older name of [`CONTAINERS`].
pub const IMAGES: &str = "/api/v1/images/";
/// GET: the description of all of them, for programs.
pub const OPENAPI: &str = "/api/v1/openapi.json";
/// GET: the same, where tools look for it that know only the server's name.
pub const OPENAPI_OF_SERVER: &str = "/openapi.json";

/// The path that tells what a request would make.
pub fn dry_run() -> String {
    format!("{RUN}?dry_run=true")
}

/// The path of one job's description.
///
/// ```
/// assert_eq!(tjf_api_types::path::show("my bot"), "/api/v1/show/my%20bot/");
/// ```
pub fn show(name: &str) -> String {
    fill(SHOW, name)
}

/// The same, answered once the very job of this uid has ended, or after so many seconds.
///
/// ```
/// let path = tjf_api_types::path::show_when_ended("bot", "1-2", 50);
/// assert_eq!(path, "/api/v1/show/bot/?wait=50&uid=1-2");
/// ```
pub fn show_when_ended(name: &str, uid: &str, seconds: u64) -> String {
    format!("{}?wait={seconds}&uid={}", show(name), encoded(uid))
}

/// The path of what one job has written.
///
/// ```
/// let path = tjf_api_types::path::logs("bot", &tjf_api_types::LogQuery::default());
/// assert_eq!(path, "/api/v1/logs/bot/?stream=both");
/// ```
pub fn logs(name: &str, query: &LogQuery) -> String {
    format!("{}?{query}", fill(LOGS, name))
}

/// The path that deletes one job.
pub fn delete(name: &str) -> String {
    fill(DELETE, name)
}

/// The path that restarts one job.
pub fn restart(name: &str) -> String {
    fill(RESTART, name)
}

/// Puts a value in the place of a pattern's variable, percent-encoded as one segment.
fn fill(pattern: &str, value: &str) -> String {
    pattern.replace("{name}", &encoded(value))
}

fn encoded(value: &str) -> String {
    let mut segment = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            segment.push(char::from(byte));
        } else {
            segment.push_str(&format!("%{byte:02X}"));
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_stays_one_segment() {
        assert_eq!(delete("a/../b?c#d"), "/api/v1/delete/a%2F..%2Fb%3Fc%23d/");
        assert_eq!(show("ü"), "/api/v1/show/%C3%BC/");
    }
}
