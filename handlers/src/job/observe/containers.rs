//! What one container of a pod says.

mod waits;

use jiff::Timestamp;

use super::status::{Cause, Outcome, Present};
use crate::job::{
    command::LOG_NOT_WRITABLE,
    objects::{ContainerStatus, Pod, Terminated, Waiting, condition},
};

/// 128 and the number of the signal.
const SIGNALS: std::ops::RangeInclusive<i32> = 129..=159;
/// What says nothing that the exit code does not.
const SILENT_WORDS: [&str; 5] = ["", "Error", "Completed", "ContainerCreating", "PodInitializing"];
/// Begins a message that is not the container's but the node's, and names the node's own files.
const UNREAD_MESSAGE: &str = "Error on reading termination message";
/// A program that was started again has to run for this long before it counts as running: between
/// two crashes it does so for a moment too. Kubernetes' own pause between the first two tries.
const SETTLED_SECONDS: i64 = 10;
/// How a container that runs before the job's own is called.
pub(super) const INIT_CONTAINER: &str = "its init container";

/// What the container did when it last ended.
pub(super) fn last_end(container: &ContainerStatus) -> Option<&Terminated> {
    container.state.terminated.as_ref().or(container.last_state.terminated.as_ref())
}

/// Whether it waits and gives no reason, or only that it is being made.
pub(super) fn is_being_made(container: &ContainerStatus) -> bool {
    let waiting = container.state.waiting.as_ref();
    waiting.is_some_and(|waiting| SILENT_WORDS.contains(&waiting.reason.as_str()))
}

/// What it waits for, unless that says nothing.
pub(super) fn waiting(container: &ContainerStatus) -> Option<&Waiting> {
    let waiting = container.state.waiting.as_ref()?;
    (!SILENT_WORDS.contains(&waiting.reason.as_str())).then_some(waiting)
}

/// Why a container waits.
pub(super) fn why_it_waits(waiting: &Waiting) -> Cause {
    Cause::new(&*waiting.reason, waits::sentence(waiting))
}

/// Whether it ends again and again; between two ends it runs for a moment too. One that has to show that
/// it works does not run before it has.
pub(super) fn is_crash_loop(container: &ContainerStatus, now: Timestamp) -> bool {
    let has_crashed = container.restart_count > 0 && container.last_state.terminated.is_some();
    let is_settled = container.state.running.as_ref().is_some_and(|running| {
        let is_long = |at| now.duration_since(at).as_secs() >= SETTLED_SECONDS;
        running.started_at.is_some_and(is_long) && container.started != Some(false)
    });
    let at_the_moment = &container.state;
    waiting(container).is_some_and(|waiting| waiting.reason == "CrashLoopBackOff")
        || (has_crashed && at_the_moment.terminated.is_some())
        || (has_crashed && at_the_moment.running.is_some() && !is_settled)
}

/// The init container that has to end, or to be as far, before the job's program can start. The
/// condition `Initialized` says whether there is one. Nothing in the status tells one that runs
/// beside the others from one that has to end first, so one that fails or waits comes before one
/// that runs.
pub(super) fn init_in_the_way(pod: &Pod) -> Option<&ContainerStatus> {
    if condition(&pod.status.conditions, "Initialized").is_some() {
        return None;
    }
    let has_ended_well = |init: &&ContainerStatus| {
        init.state.terminated.as_ref().is_some_and(|end| end.exit_code == 0)
    };
    let runs = |init: &ContainerStatus| init.state.running.is_some();
    let inits = pod.status.init_container_statuses.iter();
    let mut in_the_way = inits.filter(|init| !has_ended_well(init));
    in_the_way.clone().find(|init| !runs(init)).or_else(|| in_the_way.next_back())
}

/// How the job's program ended, which might use so much memory.
pub(super) fn outcome(end: &Terminated, memory_max: Option<&str>) -> Outcome {
    let code = end.exit_code;
    Outcome {
        is_success: code == 0,
        cause: program_cause(end, memory_max),
        started_at: end.began(),
        finished_at: end.finished_at,
        exit_code: Some(code),
        signal: signal(code),
        oom_killed: Some(end.reason == "OOMKilled"),
    }
}

/// Why the job's program ended: the first reason that applies.
fn program_cause(end: &Terminated, memory_max: Option<&str>) -> Option<Cause> {
    if let (LOG_NOT_WRITABLE, Some(sentence)) = (end.exit_code, last_words(end)) {
        return Some(Cause::new("LogNotWritable", sentence));
    }
    let message = match end.reason.as_str() {
        "OOMKilled" => {
            let limit = memory_max.map(|limit| format!(", {limit}")).unwrap_or_default();
            format!("it used more memory than it may{limit}: ask for more with `memory`")
        }
        "StartError" | "ContainerCannotRun" => {
            "its program could not be started in this container".to_owned()
        }
        word => match signal(end.exit_code) {
            Some(signal) if SILENT_WORDS.contains(&word) => format!("signal {signal} ended it"),
            _ => format!("it ended with exit code {}", end.exit_code),
        },
    };
    Some(Cause::new(word_of(end)?, message))
}

/// Why another container than the job's failed; `what` says which, and its name is told.
pub(super) fn other_cause(container: &ContainerStatus, what: &str) -> Option<Cause> {
    let end = last_end(container)?;
    let did = match end.reason.as_str() {
        "OOMKilled" => "used more memory than it may".to_owned(),
        "StartError" | "ContainerCannotRun" => "could not be started".to_owned(),
        _ => format!("ended with exit code {}", end.exit_code),
    };
    let word = word_of(end)?;
    Some(Cause::new(word, format!("{what} `{}` {did}", container.name)))
}

/// One word for how a container ended, unless it ended well.
fn word_of(end: &Terminated) -> Option<&str> {
    match (end.reason.as_str(), end.exit_code) {
        (word, _) if !SILENT_WORDS.contains(&word) => Some(word),
        (_, 0) => None,
        (_, code) if signal(code).is_some() => Some("Signal"),
        _ => Some("ExitCode"),
    }
}

fn signal(code: i32) -> Option<i32> {
    SIGNALS.contains(&code).then(|| code - 128)
}

/// The one sentence that the wrapper leaves when it can't open a log file.
fn last_words(end: &Terminated) -> Option<&str> {
    let sentence = end.message.lines().find(|line| !line.trim().is_empty())?;
    (!sentence.starts_with(UNREAD_MESSAGE)).then(|| sentence.trim())
}

/// What a job's program does that ends again and again; with a cause that its end itself does not tell.
pub(super) fn crash_loop(
    program: &ContainerStatus,
    memory_max: Option<&str>,
    untold: Option<&Cause>,
) -> Present {
    let last_try = last_end(program).map(|end| outcome(end, memory_max));
    let cause = last_try.as_ref().and_then(|outcome| outcome.cause.as_ref());
    let log = cause.filter(|it| it.reason.as_deref() == Some("LogNotWritable"));
    let said = log.or(untold);
    let word = said.and_then(|it| it.reason.as_deref()).unwrap_or("CrashLoopBackOff");
    let cause = said.or(cause);
    let why = cause.map_or("it ended, although it should run for ever", |it| it.message.as_str());
    Present::Waiting { cause: Some(started_again(program, word, why)), last_try }
}

/// What a job does whose init container has not let it start yet. `None` when there is nothing to
/// say but that the container is being made.
pub(super) fn behind_init(init: &ContainerStatus, now: Timestamp) -> Option<Present> {
    let failure = other_cause(init, INIT_CONTAINER);
    let does = |what: &str| format!("{INIT_CONTAINER} `{}` {what}", init.name);
    let cause = if is_crash_loop(init, now) {
        let why = failure.map_or_else(|| does("ends again and again"), |cause| cause.message);
        started_again(init, "CrashLoopBackOff", &why)
    } else if let Some(waiting) = waiting(init) {
        Cause::new(&*waiting.reason, does(&format!("waits: {}", waits::sentence(waiting))))
    } else if init.state.terminated.is_some() {
        failure?
    } else if init.state.running.is_some() {
        Cause::new("PodInitializing", does("runs first"))
    } else {
        return None;
    };
    Some(Present::waiting(cause))
}

/// A container that ends again and again is started again when a pause is over.
fn started_again(container: &ContainerStatus, word: &str, why: &str) -> Cause {
    let ended = last_end(container).and_then(|end| end.finished_at);
    let when = waits::next_start(container, ended);
    let when = when.map_or_else(|| "after a pause".to_owned(), |at| format!("at {at}"));
    Cause::new(word, format!("{why}; it is started again {when}"))
}
