//! Waiting for a job to end.
//!
//! The job is known by its uid: when the object under its name is another one or none, nobody can
//! say how the job ended, and a guess might call a failure a success.
//!
//! Jobs outlive restarts of everything between them and who waits. So only the service's own word
//! that there is no such job ends a wait early. Whatever else is no good answer is asked away: a
//! lost connection, a proxy's page of any status, and a refusal too, since a certificate may be
//! renewed meanwhile.

use tjf_api_types::{JobView, ObjectName, Phase, Word};
use tokio::time::{Duration, Instant, sleep_until, timeout_at};

use crate::{
    args::run::Wait,
    client::{Answer, Client, ClientError},
    output::Printer,
};

/// The pause after the first look; most jobs that are waited for are short.
const PAUSE_MIN: Duration = Duration::from_millis(250);

/// The longest pause: what a person hardly notices, and the server neither.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// How long a wait goes on without a good answer. Restarts are over by then.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// How old an answer may be that still tells how the job is.
const FRESH: Duration = Duration::from_secs(5);

/// What is told of a silence, once each time, on a terminal.
const SILENT: &str =
    "the service gives no good answer: asking again, for up to two minutes; `-v` says more";

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
    /// The service does not answer any more; why, when it is known.
    Lost(Option<ClientError>),
}

/// What there is to tell while a wait goes on.
#[derive(Debug)]
enum News<'a> {
    /// The job as it is now.
    Seen(&'a JobView),
    /// The service has begun not to answer.
    Silent,
    /// It answers again.
    Back,
}

/// Looks at `job` until it has ended or the wait is over, and tells of every change. A job may
/// outlive the certificate that it was started with, so `renew` makes a client with what the files
/// hold by now.
pub(crate) async fn until_ended(
    client: &Client,
    renew: impl Fn() -> Option<Client>,
    printer: Printer,
    job: Answer<JobView>,
    limit: Wait,
) -> Waited {
    // The API named it, so that it is a name; if not, there is nothing to ask for.
    let Ok(name) = job.value.name.parse::<ObjectName>() else { return Waited::Vanished };
    let deadline = match limit {
        Wait::AtMost(limit) => Instant::now().checked_add(limit),
        Wait::No | Wait::Forever => None,
    };
    let mut renewed = None;
    let look = async || {
        let shown = renewed.as_ref().unwrap_or(client).show(&name).await;
        if shown.as_ref().is_err_and(ClientError::is_about_identity) {
            // Half-written files make none, and the next look tries again.
            renewed = renew().or(renewed.take());
        }
        shown
    };
    let mut told = None;
    let tell = |news: News<'_>| tell(printer, &news, &mut told);
    tokio::select! {
        // First in line, so that Ctrl-C is ours before the first request goes out. Should the
        // system refuse the handler, Ctrl-C ends the process as it does anyway.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => Waited::Interrupted,
        waited = watch(look, tell, job, deadline) => waited,
    }
}

async fn watch(
    mut look: impl AsyncFnMut() -> Result<Answer<JobView>, ClientError>,
    mut tell: impl FnMut(News<'_>),
    mut job: Answer<JobView>,
    deadline: Option<Instant>,
) -> Waited {
    let mut answered_at = Instant::now();
    let mut failure = None;
    let mut pause = PAUSE_MIN;
    while !job.value.status.phase.is_final() {
        tell(News::Seen(&job.value));
        let now = Instant::now();
        let give_up_at = answered_at + SILENCE_MAX;
        let is_time_up = deadline.is_some_and(|deadline| deadline <= now);
        if is_time_up || give_up_at <= now {
            return match failure {
                None if is_time_up => Waited::TimeUp(Box::new(job)),
                failure => Waited::Lost(failure),
            };
        }
        sleep_until(earlier(give_up_at.min(now + pause), deadline)).await;
        pause = (pause * 2).min(PAUSE_MAX);
        // The last look begins when the time is up, so it gets a moment more.
        let end = deadline.and_then(|deadline| deadline.checked_add(PAUSE_MAX));
        match timeout_at(earlier(give_up_at, end), look()).await {
            Ok(Ok(seen)) if seen.value.uid == job.value.uid => {
                if failure.take().is_some() {
                    tell(News::Back);
                }
                answered_at = Instant::now();
                job = seen;
            }
            Ok(Ok(_)) => return Waited::Vanished,
            Ok(Err(error)) if error.is_job_not_found() => return Waited::Vanished,
            Ok(Err(error)) => {
                if failure.replace(error).is_none() {
                    tell(News::Silent);
                }
            }
            // Slow at the very end is not lost.
            Err(_) if failure.is_none() && answered_at.elapsed() <= FRESH => {
                return Waited::TimeUp(Box::new(job));
            }
            Err(_) => return Waited::Lost(failure),
        }
    }
    Waited::Ended(Box::new(job))
}

fn earlier(one: Instant, other: Option<Instant>) -> Instant {
    other.map_or(one, |other| one.min(other))
}

/// `status_short` counts the seconds, so what makes a change is phase and reason. The rest is for
/// who sits there and wonders.
fn tell(printer: Printer, news: &News<'_>, told: &mut Option<(Word<Phase>, Option<String>)>) {
    match news {
        News::Seen(job) => {
            let now = Some((job.status.phase.clone(), job.status.reason.clone()));
            if *told != now {
                printer.note(&format!("`{}`: {}", job.name, job.status_words()));
                *told = now;
            }
        }
        News::Silent if printer.is_watched() => {
            printer.note(SILENT);
        }
        News::Back if printer.is_watched() => printer.note("the service answers again"),
        News::Silent | News::Back => {}
    }
}

#[cfg(test)]
mod tests;
