//! A status in words: one line for a table, a sentence or two for a person.

use jiff::Timestamp;
use tjf_api_types::{JobType, Phase};

use super::status::{Outcome, Present, Status};
use crate::job::time;

/// One line for a table. `Completed` and `Failed` stand alone: scripts compare them.
pub(super) fn short(status: &Status, now: Timestamp) -> String {
    let text = match &status.present {
        Present::Ended(outcome) => {
            return if outcome.is_success { "Completed" } else { "Failed" }.to_owned();
        }
        Present::Running { since: Some(since), .. } => {
            format!("Running for {}", duration(*since, now))
        }
        Present::Running { since: None, .. } => "Running".to_owned(),
        Present::Lost { .. } => "Unknown".to_owned(),
        Present::AwaitsSchedule => "Waiting for scheduled time".to_owned(),
        Present::Waiting { cause, .. } => {
            match cause.as_ref().and_then(|cause| cause.reason.as_deref()) {
                Some(reason) => format!("Waiting: {reason}"),
                None => "Waiting to start".to_owned(),
            }
        }
    };
    if status.deleting_since.is_some() { text + ", being deleted" } else { text }
}

/// A sentence or two for a person.
pub(super) fn long(job_type: JobType, status: &Status, now: Timestamp) -> String {
    let mut text = short(status, now);
    if let Present::Ended(Outcome { finished_at: Some(at), .. }) = &status.present {
        text.push_str(&format!(" at {}", time::written(*at)));
    }
    if let Some(message) = status.message() {
        text.push_str(&format!(": {message}"));
    }
    text.push('.');
    let has_failed = status.present.phase() == Phase::Failed;
    if let (JobType::OneOff, true, Some(tries @ 2..)) = (job_type, has_failed, status.attempts) {
        text.push_str(&format!(" It was tried {tries} times."));
    }
    if let Some(run) = &status.ticks.last_run {
        let outcome = if run.is_success { "completed" } else { "failed" };
        text.push_str(&format!(" Its last run {outcome}"));
        if let Some(at) = run.finished_at {
            text.push_str(&format!(" at {}", time::written(at)));
        }
        if let Some(reason) = run.cause.as_ref().and_then(|cause| cause.reason.as_ref()) {
            text.push_str(&format!(" ({reason})"));
        }
        text.push('.');
    }
    if let Some(next) = status.ticks.next.first() {
        text.push_str(&format!(" Its next run is at {}.", time::written(*next)));
    }
    text
}

/// The two largest units, as people say it: `1h2m`.
fn duration(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(since).as_secs().max(0);
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let first = units.iter().position(|(_, size)| seconds >= *size).unwrap_or(units.len() - 1);
    let mut text = String::new();
    let mut rest = seconds;
    for (unit, size) in units.iter().skip(first).take(2) {
        if text.is_empty() || rest / size > 0 {
            text.push_str(&format!("{}{unit}", rest / size));
        }
        rest %= size;
    }
    text
}

/// An argv as a shell would have to be told it.
pub(super) fn shell_quoted(argv: &[&str]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte))
    };
    let quoted = argv.iter().map(|word| {
        if is_plain(word) {
            (*word).to_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_their_two_largest_units() {
        let since = Timestamp::UNIX_EPOCH;
        for (seconds, text) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_720, "1h2m"),
            (3_601, "1h"),
            (90_061, "1d1h"),
            (-5, "0s"),
        ] {
            assert_eq!(duration(since, Timestamp::from_second(seconds).unwrap()), text);
        }
    }

    #[test]
    fn a_word_that_a_shell_would_change_is_quoted() {
        let argv = ["sh", "-c", "echo 'hi' $HOME", ""];
        assert_eq!(shell_quoted(&argv), r"sh -c 'echo '\''hi'\'' $HOME' ''");
    }
}
