//! Waiting for a job to end.
//!
//! The job is known by its uid: when the object under its name is another one or none, nobody can
//! say how the job ended, and a guess might call a failure a success.
//!
//! The service holds each answer until the job has ended, so that nobody asks again and again.
//!
//! Jobs outlive restarts of everything between them and who waits. So only the service's own word
//! that there is no such job ends a wait early. Whatever else is no good answer is asked away: a
//! lost connection, a proxy's page of any status, and a refusal too, since a certificate may be
//! renewed meanwhile.

use tjf_api_types::{JobView, ObjectName, Phase, Word};
use tokio::{
    sync::Semaphore,
    time::{Duration, Instant, sleep_until, timeout_at},
};

use crate::{
    args::run::Wait,
    client::{Answer, Client, ClientError},
    output::Printer,
    random,
};

/// The longest time that the service is asked to hold an answer for: proxies cut at 60 s.
const HELD_MAX: Duration = Duration::from_secs(50);

/// The same while somebody looks on who would like to know that the job has begun.
const HELD_WATCHED_MAX: Duration = Duration::from_secs(2);

/// The pause after a failure, and after an answer that came at once although the job goes on.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(250);

/// What the pause grows to. A quarter of it may come on top by chance, so that those whom a restart
/// of the service cut off do not all come back at once.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Looks at once: half of what the service holds for one tool, which may wait elsewhere too.
const LOOKS_MAX: usize = 32;

/// How long the service holds an answer when not all can be looked at at once, so that each has its
/// turn.
const HELD_IN_TURN_MAX: Duration = Duration::from_secs(5);

/// How long a wait goes on without a good answer. Restarts are over by then.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(120);

/// How old an answer may be that still tells how the job is.
const FRESH: Duration = Duration::from_secs(5);

/// What is told of a silence, once each time, on a terminal.
pub(crate) const SILENT: &str =
    "the service gives no good answer: asking again, for up to two minutes; `-v` says more";

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The job has ended.
    Ended(Box<Answer<JobView>>),
    /// The time ran out; the job as it was then.
    TimeUp(Box<Answer<JobView>>),
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

/// Waits for jobs, of one or many names.
pub(crate) struct Waiting<'a, F> {
    client: &'a Client,
    /// Makes a client with what the files hold by now: a job may outlive the certificate that it was
    /// started with.
    renew: F,
    printer: Printer,
    deadline: Option<Instant>,
    held_max: Duration,
    looks: Semaphore,
}

impl<'a, F: Fn() -> Option<Client>> Waiting<'a, F> {
    /// A wait for so many jobs that begins now.
    pub(crate) fn new(
        client: &'a Client,
        renew: F,
        printer: Printer,
        count: usize,
        limit: Wait,
    ) -> Self {
        let deadline = match limit {
            Wait::AtMost(limit) => Instant::now().checked_add(limit),
            Wait::No | Wait::Forever => None,
        };
        let held_max = if count <= LOOKS_MAX { HELD_MAX } else { HELD_IN_TURN_MAX };
        Self { client, renew, printer, deadline, held_max, looks: Semaphore::new(LOOKS_MAX) }
    }

    /// Looks at a job until it has ended or the wait is over, and tells of every change.
    pub(crate) async fn until_ended(&self, job: Answer<JobView>) -> Waited {
        // The API named it, so that it is a name; if not, there is nothing to ask for.
        let Ok(name) = job.value.name.parse::<ObjectName>() else { return Waited::Vanished };
        let uid = job.value.uid.clone();
        let mut renewed = None;
        let look = async |time| {
            let _turn = self.looks.acquire().await;
            let client = renewed.as_ref().unwrap_or(self.client);
            let shown = client.show_when_ended(&name, &uid, time).await;
            if shown.as_ref().is_err_and(ClientError::is_about_identity) {
                // Half-written files make none, and the next look tries again.
                renewed = (self.renew)().or(renewed.take());
            }
            shown
        };
        let mut told = None;
        let tell = |news: News<'_>| tell(self.printer, &news, &mut told);
        let held_max = |job: &JobView| {
            let has_begun = job.status.phase == Phase::Running;
            if self.printer.is_watched() && !has_begun {
                HELD_WATCHED_MAX.min(self.held_max)
            } else {
                self.held_max
            }
        };
        // It holds a whole exchange, which is large.
        Box::pin(watch(look, tell, held_max, job, self.deadline)).await
    }
}

/// Does this until it is done, or Ctrl-C is pressed, which is `None`. Should the system refuse the
/// handler, Ctrl-C ends the process as it does anyway.
pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        // First in line, so that Ctrl-C is ours before the first request goes out.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => None,
        done = work => Some(done),
    }
}

async fn watch(
    mut look: impl AsyncFnMut(Duration) -> Result<Answer<JobView>, ClientError>,
    mut tell: impl FnMut(News<'_>),
    held_max: impl Fn(&JobView) -> Duration,
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
        let left = deadline.map_or(HELD_MAX, |deadline| whole_seconds(deadline - now));
        let held = left.min(held_max(&job.value));
        // The last answer comes when the time is up, so it gets a moment more.
        let end = deadline.and_then(|deadline| deadline.checked_add(PAUSE_MAX));
        match timeout_at(earlier(give_up_at, end), look(held)).await {
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
        let was_held = failure.is_none() && now.elapsed() >= held.min(PAUSE_MAX);
        if was_held {
            pause = PAUSE_MIN;
        } else if !job.value.status.phase.is_final() {
            let end = (answered_at + SILENCE_MAX).min(Instant::now() + with_chance(pause));
            sleep_until(earlier(end, deadline)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }
    Waited::Ended(Box::new(job))
}

/// The service counts whole seconds, from one on.
fn whole_seconds(time: Duration) -> Duration {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    Duration::from_secs(seconds.max(1))
}

pub(crate) fn with_chance(pause: Duration) -> Duration {
    let parts = u32::try_from(random::number() % 1000).unwrap_or(0);
    pause + pause / 4 * parts / 1000
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
