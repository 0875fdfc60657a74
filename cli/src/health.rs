//! Whether a job is as its owner wants it, and if not, why, in a few words.

use tjf_api_types::{JobType, JobView, Phase, StatusView};

/// Reasons to wait that are somebody's will, or only mean that the job's turn has not come.
const FINE: [&str; 5] =
    ["Suspended", "JobSuspended", "NoReplicas", "QuotaExceeded", "Unschedulable"];

/// How a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// As it should be, or on its way there.
    Fine,
    /// It has ended, badly.
    Failed(String),
    /// It goes on, but what it does fails.
    Failing(String),
    /// It can't start until somebody changes something.
    Stuck(String),
    /// Nobody can say.
    Lost(String),
}

impl Health {
    /// That of a job.
    pub(crate) fn of(job: &JobView) -> Self {
        let status = &job.status;
        let reason = reason_of(status.reason.as_deref(), status.exit_code, status.signal);
        let is_scheduled = job.job_type == JobType::Scheduled;
        let last_run = status.last_run.as_ref().filter(|run| run.phase == Phase::Failed);
        match (status.phase.known(), reason) {
            (Some(Phase::Succeeded), _) => Self::Fine,
            (Some(Phase::Failed), reason) => Self::Failed(reason.unwrap_or_default()),
            (Some(Phase::Unknown), reason) => Self::Lost(reason.unwrap_or_default()),
            // A word of another version says nothing here.
            (None, _) => Self::Fine,
            (Some(Phase::Running), Some(reason)) => Self::Failing(reason),
            (Some(Phase::Pending), Some(reason)) if !is_fine(status, is_scheduled) => {
                let has_run = status.exit_code.is_some() || is_scheduled;
                let crashes = reason == "CrashLoopBackOff";
                if has_run || crashes { Self::Failing(reason) } else { Self::Stuck(reason) }
            }
            _ => match last_run {
                Some(run) => {
                    let reason = reason_of(run.reason.as_deref(), run.exit_code, None);
                    Self::Failing(reason.unwrap_or_default())
                }
                None => Self::Fine,
            },
        }
    }

    /// Whether somebody should look at it.
    pub(crate) fn is_broken(&self) -> bool {
        *self != Self::Fine
    }

    /// The same in a few words; `None` when all is well.
    pub(crate) fn words(&self) -> Option<String> {
        let (word, reason) = match self {
            Self::Fine => return None,
            Self::Failed(reason) => ("Failed", reason),
            Self::Failing(reason) => ("Failing", reason),
            Self::Stuck(reason) => ("Stuck", reason),
            Self::Lost(reason) => ("Unknown", reason),
        };
        Some(if reason.is_empty() { word.to_owned() } else { format!("{word}: {reason}") })
    }
}

/// The status of a job in a few words, what is the matter included.
pub(crate) fn status_words(job: &JobView, health: &Health) -> String {
    match health.words() {
        Some(words) if job.status.phase == Phase::Running => {
            format!("{}; {words}", job.status_words())
        }
        Some(words) => words,
        None => job.status_words().to_owned(),
    }
}

/// A schedule's tick that a quota was in the way of is lost; everything else has its turn later.
fn is_fine(status: &StatusView, is_scheduled: bool) -> bool {
    let reason = status.reason.as_deref().unwrap_or_default();
    FINE.contains(&reason) && !(is_scheduled && reason == "QuotaExceeded")
}

/// A reason as people say it: an exit code and a signal have a number.
pub(crate) fn reason_of(
    reason: Option<&str>,
    exit_code: Option<i32>,
    signal: Option<i32>,
) -> Option<String> {
    match (reason?, exit_code, signal) {
        ("ExitCode", Some(code), _) => Some(format!("exit code {code}")),
        ("Signal", _, Some(signal)) => Some(format!("signal {signal}")),
        ("Signal", Some(code), None) => Some(format!("signal {}", code - 128)),
        (reason, ..) => Some(reason.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use tjf_api_types::LastRunView;

    use super::*;

    fn status(phase: Phase, reason: Option<&str>, exit_code: Option<i32>) -> StatusView {
        let reason = reason.map(str::to_owned);
        let signal = exit_code.filter(|code| *code > 128).map(|code| code - 128);
        StatusView { phase: phase.into(), reason, exit_code, signal, ..StatusView::default() }
    }

    #[test]
    fn what_somebody_should_look_at_is_told_in_a_few_words() {
        use JobType::{Continuous, OneOff, Scheduled};
        use Phase::{Failed, Pending, Running, Succeeded, Unknown};
        for (job_type, status, words) in [
            (OneOff, status(Succeeded, None, Some(0)), None),
            (OneOff, status(Running, None, None), None),
            (OneOff, status(Pending, None, None), None),
            (OneOff, status(Failed, Some("ExitCode"), Some(3)), Some("Failed: exit code 3")),
            (OneOff, status(Failed, Some("Signal"), Some(143)), Some("Failed: signal 15")),
            (OneOff, status(Failed, Some("OOMKilled"), Some(137)), Some("Failed: OOMKilled")),
            (OneOff, status(Failed, None, None), Some("Failed")),
            (OneOff, status(Pending, Some("ExitCode"), Some(3)), Some("Failing: exit code 3")),
            (OneOff, status(Pending, Some("ErrImagePull"), None), Some("Stuck: ErrImagePull")),
            (OneOff, status(Pending, Some("QuotaExceeded"), None), None),
            (
                Scheduled,
                status(Pending, Some("QuotaExceeded"), None),
                Some("Failing: QuotaExceeded"),
            ),
            (Scheduled, status(Pending, Some("Suspended"), None), None),
            (Continuous, status(Pending, Some("NoReplicas"), None), None),
            (
                Continuous,
                status(Pending, Some("CrashLoopBackOff"), None),
                Some("Failing: CrashLoopBackOff"),
            ),
            (Continuous, status(Unknown, Some("NodeLost"), None), Some("Unknown: NodeLost")),
        ] {
            let case = format!("{job_type:?} {status:?}");
            let job = JobView { job_type: job_type.into(), status, ..job() };
            let health = Health::of(&job);
            assert_eq!(health.words().as_deref(), words, "{case}");
            assert_eq!(health.is_broken(), words.is_some(), "{case}");
        }
    }

    #[test]
    fn a_schedule_whose_last_run_failed_is_failing_until_one_does_not() {
        let last_run = |phase: Phase| LastRunView {
            phase: phase.into(),
            started_at: None,
            finished_at: None,
            reason: (phase == Phase::Failed).then(|| "ExitCode".to_owned()),
            exit_code: Some(1),
        };
        for phase in [Phase::Pending, Phase::Running] {
            let with = |last: Phase| {
                let status =
                    StatusView { last_run: Some(last_run(last)), ..status(phase, None, None) };
                Health::of(&JobView { job_type: JobType::Scheduled.into(), status, ..job() })
            };
            assert_eq!(with(Phase::Failed), Health::Failing("exit code 1".to_owned()));
            assert_eq!(with(Phase::Succeeded), Health::Fine);
        }
    }

    fn job() -> JobView {
        serde_json::from_str(r#"{"name": "bot"}"#).unwrap()
    }
}
