//! The nearest match for a misspelt name.

use tjf_api_types::ObjectName;

use crate::client::{Client, ClientError};

/// Shorter texts are part of too many names for that to mean anything.
const PART_LENGTH_MIN: usize = 3;

/// What to do about an error that may come from a misspelt job name.
pub(crate) async fn hint_for_job(
    client: &Client,
    wanted: &ObjectName,
    error: &ClientError,
) -> Option<String> {
    if !error.is_job_not_found() {
        return None;
    }
    // The hint is a courtesy: when the list fails too, the first error is the one to tell.
    let jobs = client.list().await.map(|answer| answer.value).unwrap_or_default();
    let names = jobs.iter().map(|job| job.name.as_str());
    hint(wanted.as_str(), names, "`toolforge-jobs list` lists your jobs")
}

/// What to do about an error that may come from a misspelt container.
pub(crate) async fn hint_for_container(
    client: &Client,
    wanted: &str,
    error: &ClientError,
) -> Option<String> {
    if error.refusal()?.slug.as_deref() != Some("invalid-container") {
        return None;
    }
    let containers = client.containers().await.map(|answer| answer.value).unwrap_or_default();
    let names = containers.iter().map(|container| container.shortname.as_str());
    hint(wanted, names, "`toolforge-jobs containers` lists the containers")
}

/// Where there is nothing, there is nothing to look at either.
fn hint<'a>(wanted: &str, names: impl Iterator<Item = &'a str>, otherwise: &str) -> Option<String> {
    let mut names = names.peekable();
    names.peek()?;
    Some(match nearest(wanted, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None => otherwise.to_owned(),
    })
}

/// The name that differs in the fewest letters, at most a third of them; else one that has all of
/// `wanted` in it, since a forgotten prefix is as common as a wrong letter.
pub(crate) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = wanted.chars().count();
    let distance_max = (length / 3).max(1).min(length.saturating_sub(1));
    let distance = |name: &str| {
        if length >= PART_LENGTH_MIN && name.contains(wanted) {
            return Some(distance_max);
        }
        Some(strsim::osa_distance(wanted, name)).filter(|distance| *distance <= distance_max)
    };
    names
        .filter_map(|name| Some((distance(name)?, name)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_a_forgotten_prefix_is_recognised() {
        let names = ["tf-bullseye", "tf-python39", "tf-python311", "a", "bot"];
        for (wanted, expected) in [
            ("tf-pyhton39", Some("tf-python39")),
            ("tf-python3.11", Some("tf-python311")),
            ("bullseye", Some("tf-bullseye")),
            ("bto", Some("bot")),
            ("x", None),
            ("tf-perl", None),
            ("", None),
        ] {
            assert_eq!(nearest(wanted, names.into_iter()), expected, "{wanted:?}");
        }
    }
}
