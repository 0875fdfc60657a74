//! What is known of a job's present, with the keys that version 16.2 reads.

use jiff::Timestamp;
use serde::Serialize;
use tjf_api_types::{JobType, JobView, Phase};

/// What is known of a job's present.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Status {
    /// `succeeded` or `failed` for a one-off that has ended, and for nothing else.
    short: String,
    /// For how long that is so: `1h2m3s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    /// Sentences without a full stop.
    messages: Vec<String>,
    /// When a schedule last came due, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_schedule: Option<String>,
    /// When it comes due next, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_schedule: Option<String>,
}

impl Status {
    pub(super) fn of(job: &JobView, now: Timestamp) -> Self {
        let sentences = job.status_long.trim_end_matches('.');
        Self {
            short: short(job).to_owned(),
            duration: since(job).and_then(|since| duration(since, now)),
            messages: (!sentences.is_empty()).then(|| sentences.to_owned()).into_iter().collect(),
            previous_schedule: job.status.last_scheduled_at.clone(),
            next_schedule: job.status.next_scheduled_at.clone(),
        }
    }
}

fn short(job: &JobView) -> &str {
    let phase = &job.status.phase;
    if job.deleting_since.is_some() && !phase.is_final() {
        "deleting"
    } else if awaits_schedule(job) {
        "waiting"
    } else {
        phase.as_str()
    }
}

/// Whether nothing is to happen before its time comes.
fn awaits_schedule(job: &JobView) -> bool {
    let status = &job.status;
    job.job_type == JobType::Scheduled && status.phase == Phase::Pending && status.reason.is_none()
}

/// Since when the job is as its one word says.
fn since(job: &JobView) -> Option<&str> {
    let status = &job.status;
    match status.phase.known()? {
        _ if job.deleting_since.is_some() && !status.phase.is_final() => {
            job.deleting_since.as_deref()
        }
        Phase::Running => status.started_at.as_deref(),
        Phase::Succeeded | Phase::Failed => status.finished_at.as_deref(),
        Phase::Pending | Phase::Unknown => None,
    }
}

/// The time since then, in all units that are not zero.
fn duration(since: &str, now: Timestamp) -> Option<String> {
    let since: Timestamp = since.parse().ok()?;
    let mut rest = now.duration_since(since).as_secs().max(0);
    let mut text = String::new();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
        }
        rest %= size;
    }
    Some(if text.is_empty() { "0s".to_owned() } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_all_units_that_are_not_zero() {
        for (seconds, text) in
            [(0, "0s"), (-3, "0s"), (59, "59s"), (60, "1m"), (3723, "1h2m3s"), (90_000, "1d1h")]
        {
            let now = Timestamp::from_second(seconds).unwrap();
            assert_eq!(duration("1970-01-01T00:00:00Z", now).unwrap(), text);
        }
        assert_eq!(duration("yesterday", Timestamp::UNIX_EPOCH), None);
    }
}
