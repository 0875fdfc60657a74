//! A status in words: one line for a table, a sentence or two for a person.

use jiff::{Timestamp, Unit};
use tjf_api_types::{JobType, Phase};

use super::Status;

/// RFC 3339, UTC, whole seconds: as Kubernetes itself writes times.
pub(super) fn time(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// One line for a table. `Completed` and `Failed` stand alone: scripts compare them.
pub(super) fn short(status: &Status, now: Timestamp) -> String {
    match status.phase() {
        Phase::Succeeded => "Completed".to_owned(),
        Phase::Failed => "Failed".to_owned(),
        Phase::Running => match status.started_at {
            Some(since) => format!("Running for {}", duration(since, now)),
            None => "Running".to_owned(),
        },
        Phase::Unknown => "Unknown".to_owned(),
        Phase::Pending => match &status.reason {
            Some(reason) => format!("Waiting: {reason}"),
            None if status.awaits_tick => "Waiting for scheduled time".to_owned(),
            None => "Waiting to start".to_owned(),
        },
    }
}

/// A sentence or two for a person.
pub(super) fn long(job_type: JobType, status: &Status, now: Timestamp) -> String {
    let mut text = match status.phase() {
        Phase::Succeeded => match status.finished_at {
            Some(at) => format!("Completed at {}.", time(at)),
            None => "Completed.".to_owned(),
        },
        Phase::Failed => match status.finished_at {
            Some(at) => format!("Failed at {}", time(at)),
            None => "Failed".to_owned(),
        },
        Phase::Running | Phase::Pending | Phase::Unknown => short(status, now),
    };
    match &status.message {
        Some(message) => {
            text = format!("{}: {}.", text.trim_end_matches('.'), message.trim_end_matches('.'));
        }
        None if !text.ends_with('.') => text.push('.'),
        None => {}
    }
    if job_type == JobType::OneOff && status.phase() == Phase::Failed && status.attempts > Some(1) {
        text.push_str(&format!(" It was tried {} times.", status.attempts.unwrap_or(0)));
    }
    if let Some(run) = &status.last_run {
        let outcome = if run.phase == Phase::Succeeded { "completed" } else { "failed" };
        text.push_str(&format!(" Its last run {outcome}"));
        if let Some(at) = &run.finished_at {
            text.push_str(&format!(" at {at}"));
        }
        if let Some(reason) = &run.reason {
            text.push_str(&format!(" ({reason})"));
        }
        text.push('.');
    }
    if let Some(next) = status.next_scheduled_at {
        text.push_str(&format!(" Its next run is at {}.", time(next)));
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
pub(super) fn shell_quoted(argv: &[String]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte))
    };
    argv.iter()
        .map(|word| {
            if is_plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
        })
        .collect::<Vec<_>>()
        .join(" ")
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
        let argv = ["sh", "-c", "echo 'hi' $HOME", ""].map(str::to_owned);
        assert_eq!(shell_quoted(&argv), r"sh -c 'echo '\''hi'\'' $HOME' ''");
    }
}
