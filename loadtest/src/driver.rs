//! Sends what a stage plans, when it is due, and takes the times.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    plan::{Operation, Pace, Request, Stage},
    target::{Failure, Reply, Target},
};

/// How long an answer may take.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// How many requests may be under way at once. Each has a connection, which is an open file.
const IN_FLIGHT_MAX: usize = 500;

/// How far an open loop may run behind its end, before what is left of it is not sent any more.
const LATENESS_MAX: Duration = Duration::from_secs(1);

/// For the last answers, once a person has asked for an end.
const LAST_ANSWERS_TIME_MAX: Duration = Duration::from_secs(1);

/// One request that has come to its end. Times are from the stage's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sample {
    /// What was asked.
    pub(crate) operation: Operation,
    /// When it was due; in a closed loop when it was sent.
    pub(crate) intended: Duration,
    /// When it was sent.
    pub(crate) sent: Duration,
    /// When the answer's last byte was there.
    pub(crate) ended: Duration,
    /// The answer's bytes.
    pub(crate) result: Result<u64, Failure>,
}

impl Sample {
    /// What the caller waited, its own lateness included.
    pub(crate) fn latency(&self) -> Duration {
        self.ended.saturating_sub(self.intended)
    }

    /// How much later than due it was sent.
    pub(crate) fn lateness(&self) -> Duration {
        self.sent.saturating_sub(self.intended)
    }
}

/// How a stage went, beside its samples.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// From the first request to the last answer.
    pub(crate) time: Duration,
    /// Requests that were planned, and not sent in time.
    pub(crate) unsent: u64,
    /// Requests whose answers were not waited for, since somebody stopped the run.
    pub(crate) abandoned: u64,
    /// Whether somebody stopped the run.
    pub(crate) is_stopped: bool,
}

/// Says when a person wants an end: true from then on.
pub(crate) type Stop = watch::Receiver<bool>;

/// Plays a stage to its end, and hands every sample to `record` as it comes.
pub(crate) async fn drive<T: Target>(
    target: &Arc<T>,
    stage: &Stage,
    mut stop: Stop,
    mut record: impl FnMut(&Sample),
) -> Course {
    let began = Instant::now();
    let (at_once, ends) = match stage.pace {
        Pace::Open { .. } => (IN_FLIGHT_MAX, began + stage.time + LATENESS_MAX),
        Pace::Closed { callers } => (callers, began + stage.time),
    };
    let mut schedule = stage.schedule();
    let mut next = schedule.next();
    let due = |next: Option<Request>| began + next.and_then(|it| it.at).unwrap_or_default();
    let mut alarm = Box::pin(target.wait_until(due(next)));
    let mut under_way = JoinSet::new();
    let mut course = Course::default();
    while let Some(request) = next {
        if Instant::now() >= ends {
            break;
        }
        tokio::select! {
            biased;
            () = stopped(&mut stop) => {
                course.is_stopped = true;
                break;
            }
            () = &mut alarm, if under_way.len() < at_once => {
                under_way.spawn(ask(Arc::clone(target), request, began));
                next = schedule.next();
                alarm.set(target.wait_until(due(next)));
            }
            Some(sample) = under_way.join_next(), if !under_way.is_empty() => take(sample, &mut record),
            () = sleep_until(ends) => break,
        }
    }
    // In an open loop each of these would have been a request of somebody.
    if !course.is_stopped && matches!(stage.pace, Pace::Open { .. }) {
        course.unsent = next.into_iter().chain(schedule).count() as u64;
    }
    let last = async {
        while let Some(sample) = under_way.join_next().await {
            take(sample, &mut record);
        }
    };
    tokio::select! {
        () = last => {}
        () = async {
            stopped(&mut stop).await;
            tokio::time::sleep(LAST_ANSWERS_TIME_MAX).await;
        } => course.is_stopped = true,
    }
    course.is_stopped |= *stop.borrow();
    course.abandoned = under_way.len() as u64;
    course.time = began.elapsed();
    course
}

async fn ask<T: Target>(target: Arc<T>, request: Request, began: Instant) -> Sample {
    let sent = began.elapsed();
    let reply = timeout(ANSWER_TIME_MAX, target.send(request)).await;
    let Reply { operation, result } =
        reply.unwrap_or(Reply { operation: request.operation, result: Err(Failure::Timeout) });
    let intended = request.at.unwrap_or(sent);
    Sample { operation, intended, sent, ended: began.elapsed(), result }
}

fn take(sample: Result<Sample, tokio::task::JoinError>, record: &mut impl FnMut(&Sample)) {
    match sample {
        Ok(sample) => record(&sample),
        // A request that can't be counted must not be left out of the count.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Comes back once somebody wants an end. Never, when nobody is left who could.
async fn stopped(stop: &mut Stop) {
    if stop.wait_for(|is_stopped| *is_stopped).await.is_err() {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests;
