//! Waiting for a job to end.
//!
//! The job is known by its uid: when the object under its name is another one or none, nobody can
//! say how the job ended, and a guess might call a failure a success.

use tjf_api_types::{JobView, ObjectName, Phase, Word};
use tokio::time::{Duration, Instant};

use crate::{
    args::run::Wait,
    client::{Answer, Client, ClientError},
    output::Printer,
};

/// The pause after the first look; most jobs that are waited for are short.
const PAUSE_MIN: Duration = Duration::from_millis(250);

/// The longest pause: what a person hardly notices, and the server neither.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The job has ended.
    Ended(Box<Answer<JobView>>),
    /// The time ran out; the job as it was then.
    TimeUp(Box<Answer<JobView>>),
    /// Ctrl-C.
    Interrupted,
    /// There is no such job any more.
    Vanished,
    /// The service does not answer any more.
    Lost(ClientError),
}

/// Looks at `job` until it has ended or the wait is over, and tells of every change.
pub(crate) async fn until_ended(
    client: &Client,
    printer: Printer,
    job: Answer<JobView>,
    limit: Wait,
) -> Waited {
    let deadline = match limit {
        Wait::AtMost(limit) => Instant::now().checked_add(limit),
        Wait::No | Wait::Forever => None,
    };
    tokio::select! {
        // First in line, so that Ctrl-C is ours before the first request goes out. Should the
        // system refuse the handler, Ctrl-C ends the process as it does anyway.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => Waited::Interrupted,
        waited = look(client, printer, job, deadline) => waited,
    }
}

async fn look(
    client: &Client,
    printer: Printer,
    mut job: Answer<JobView>,
    deadline: Option<Instant>,
) -> Waited {
    // The API named it, so that it is a name; if not, there is nothing to ask for.
    let Ok(name) = job.value.name.parse::<ObjectName>() else { return Waited::Vanished };
    let mut told = None;
    let mut pause = PAUSE_MIN;
    while !job.value.status.phase.is_final() {
        tell(printer, &job.value, &mut told);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Waited::TimeUp(Box::new(job));
        }
        tokio::time::sleep(left.map_or(pause, |left| left.min(pause))).await;
        pause = (pause * 2).min(PAUSE_MAX);
        let Some(shown) = before(deadline, client.show(&name)).await else {
            return Waited::TimeUp(Box::new(job));
        };
        job = match shown {
            Ok(seen) if seen.value.uid == job.value.uid => seen,
            Ok(_) => return Waited::Vanished,
            Err(error) if error.is_job_not_found() => return Waited::Vanished,
            Err(error) => return Waited::Lost(error),
        };
    }
    Waited::Ended(Box::new(job))
}

/// A server that hangs must not hold up the end of the wait; the last look gets a moment more,
/// since it begins when the time is up.
async fn before<T>(deadline: Option<Instant>, look: impl Future<Output = T>) -> Option<T> {
    match deadline.and_then(|deadline| deadline.checked_add(PAUSE_MAX)) {
        Some(end) => tokio::time::timeout_at(end, look).await.ok(),
        None => Some(look.await),
    }
}

/// `status_short` counts the seconds, so what makes a change is phase and reason.
fn tell(printer: Printer, job: &JobView, told: &mut Option<(Word<Phase>, Option<String>)>) {
    let now = Some((job.status.phase.clone(), job.status.reason.clone()));
    if *told != now {
        printer.note(&format!("`{}`: {}", job.name, job.status_words()));
        *told = now;
    }
}
