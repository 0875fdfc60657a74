//! What Kubernetes found out about whether a job works.
//!
//! A pod's status says that a program runs and has not started yet. That a program was ended because it
//! did not work only a warning says. They are asked for when the one lasts, or the other may have been.

use jiff::{SignedDuration, Timestamp};

use super::{
    Snapshot, containers,
    containers::last_end,
    snapshot::EVENTS_AFTER_SECONDS,
    status::{Cause, Present},
};
use crate::job::objects::{ContainerStatus, Event, Pod, ReplicationController, Running};

/// The one word for it, here and in warnings.
const FAILED: &str = "HealthCheckFailed";
const UNHEALTHY: [&str; 1] = ["Unhealthy"];
/// What is asked of a program that has worked before.
const LIVENESS: &str = "Liveness";
/// What SIGTERM and SIGKILL make of a program.
const ENDED_FROM_OUTSIDE: [i32; 2] = [143, 137];
/// Between the last failure and the end of the program: its last words, and both times are in whole
/// seconds.
const ENDING_TIME_MAX: SignedDuration = SignedDuration::from_secs(20);

/// What of a warning's words says what, and how it is told. The first that fits counts; the words
/// themselves have addresses of pods, and whatever a script writes.
const WHY: [(&str, &str); 7] = [
    ("connection refused", "nothing listens at its port"),
    ("deadline exceeded", "it did not answer in time"),
    ("timed out", "it did not answer in time"),
    ("i/o timeout", "it did not answer in time"),
    ("probe failed: Get ", "it gave no answer that is HTTP"),
    ("probe failed: dial ", "its port can't be connected to"),
    ("probe errored", "it could not be made"),
];
const ANSWERED: &str = "HTTP probe failed with statuscode: ";
/// The script's own output follows.
const SCRIPT: &str = "its script ended with another exit code than 0";

/// Whether a program runs that has to show yet that it works.
pub(super) fn is_starting(program: &ContainerStatus) -> bool {
    program.state.running.is_some() && program.started == Some(false)
}

/// What such a job does: until its program works it has not started.
pub(super) fn starting(snapshot: &Snapshot<'_>, pod: &Pod, running: &Running) -> Present {
    let since = running.started_at;
    let event = snapshot.event(&pod.metadata, &UNHEALTHY);
    let why = event.filter(|event| event.at() >= since).map(|event| format!(": {}", why(event)));
    let message = format!(
        "its program runs, and its health check has not succeeded yet{}",
        why.unwrap_or_default()
    );
    Present::Waiting { cause: Some(Cause { reason: None, message }), last_try: None }
}

/// Why a program ended that ended because it did not work. Kubernetes says so only of what it is not
/// asked for, so it is inferred: by a warning shortly before the end, and by the signal. A program that
/// ends by itself while it starts is warned of too, so without the signal it has to have worked before.
pub(super) fn cause_of_end(
    snapshot: &Snapshot<'_>,
    pod: &Pod,
    program: &ContainerStatus,
) -> Option<Cause> {
    let end = last_end(program).filter(|end| end.reason != "OOMKilled")?;
    let (began, ended) = (end.began()?, end.finished_at?);
    let is_signal = ENDED_FROM_OUTSIDE.contains(&end.exit_code);
    let is_about_it = |event: &&Event| {
        let Some(at) = event.at() else { return false };
        began <= at
            && at <= ended
            && ended.duration_since(at) <= ENDING_TIME_MAX
            && (is_signal || event.message.starts_with(LIVENESS))
    };
    let events = snapshot.events(&pod.metadata, &UNHEALTHY).filter(is_about_it);
    // Times are in whole seconds, so the next program may have been warned of in the one in which this
    // one ended; but only while that starts.
    let event = events.max_by_key(|event| (event.message.starts_with(LIVENESS), event.at()))?;
    Some(Cause::new(FAILED, format!("its health check failed, since {}", why(event))))
}

/// Whether warnings may say more of a job that has a health check: it has not started for a while, or
/// ends again and again.
pub(super) fn needs_events(
    snapshot: &Snapshot<'_>,
    controller: &ReplicationController,
    now: Timestamp,
) -> bool {
    let container = controller.spec.template.container();
    if container.is_none_or(|container| container.liveness_probe.is_none()) {
        return false;
    }
    let programs = snapshot.pods_of(&controller.metadata).iter().filter_map(|pod| pod.program());
    let lasts = |running: &Running| {
        running
            .started_at
            .is_some_and(|at| now.duration_since(at).as_secs() >= EVENTS_AFTER_SECONDS)
    };
    programs.into_iter().any(|program| {
        containers::is_crash_loop(program, now)
            || (is_starting(program) && program.state.running.as_ref().is_some_and(lasts))
    })
}

fn why(event: &Event) -> String {
    let message = &event.message;
    if let Some((_, code)) = message.split_once(ANSWERED) {
        let digits: String = code.chars().take_while(char::is_ascii_digit).take(3).collect();
        return format!("it was answered with {digits}");
    }
    let known = WHY.iter().find(|(words, _)| message.contains(words)).map(|(_, why)| *why);
    known.unwrap_or(SCRIPT).to_owned()
}
