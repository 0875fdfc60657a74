//! What one pod says about its job.

use jiff::Timestamp;

use super::{
    Snapshot,
    containers::{self, last_end},
    health,
    status::{Cause, Outcome, Present},
};
use crate::job::objects::{Condition, ContainerStatus, Pod};

/// Events that say why a container can't be made.
const NOT_MADE: [&str; 3] = ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];

/// Whether its first container is being made, which takes long only when something is wrong. With
/// volumes and network in place there is nothing left that an event could explain.
pub(super) fn is_being_made(pod: &Pod) -> bool {
    let first = containers::init_in_the_way(pod).or_else(|| pod.program());
    pod.status.phase == "Pending"
        && !is(pod, "PodReadyToStartContainers", "True")
        && first.is_some_and(containers::is_being_made)
}

/// How often the pod's program was started anew.
pub(super) fn restarts(pod: &Pod) -> i64 {
    pod.program().map_or(0, |program| program.restart_count)
}

/// How a pod ended that has.
pub(super) fn ended(pod: &Pod) -> Outcome {
    let end = pod.program().and_then(last_end);
    let program = end.map(|end| containers::outcome(end, pod.memory_max()));
    let outcome = program.unwrap_or_default();
    if pod.status.phase == "Succeeded" {
        return Outcome { is_success: true, cause: None, ..outcome };
    }
    // What the pod says itself, and no program in it: `Evicted`, or that its node refused it.
    let cause = match pod.status.reason.as_str() {
        "" => outcome.cause.clone(),
        word @ "Evicted" => Some(Cause::new(
            word,
            "the node had to end it: it used too much of the node's disk or memory",
        )),
        word => Some(Cause::new(word, "its node could not run it, or had to end it")),
    };
    if cause.is_some() {
        return Outcome { is_success: false, cause, ..outcome };
    }
    // The program is not what failed, so its exit code does not say how the job ended.
    let (started_at, finished_at) = (outcome.started_at, outcome.finished_at);
    Outcome { cause: failure_of_another(pod), started_at, finished_at, ..Outcome::default() }
}

/// Why a pod failed whose program did not.
fn failure_of_another(pod: &Pod) -> Option<Cause> {
    let init = containers::init_in_the_way(pod)
        .and_then(|init| containers::other_cause(init, containers::INIT_CONTAINER));
    init.or_else(|| {
        beside(pod).find_map(|it| containers::other_cause(it, "another container of its pod"))
    })
}

/// The containers beside the job's own.
fn beside(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let program = pod.program().map(|program| program.name.as_str());
    let all = pod.status.container_statuses.iter();
    all.filter(move |container| Some(container.name.as_str()) != program)
}

/// What a pod does that has not ended.
pub(super) fn present(snapshot: &Snapshot<'_>, pod: &Pod, now: Timestamp) -> Present {
    if is_on_a_lost_node(pod) {
        let running = pod.program().and_then(|program| program.state.running.as_ref());
        return Present::Lost {
            since: running.and_then(|running| running.started_at),
            cause: Cause::new("NodeLost", "its node does not answer: it may still be running"),
        };
    }
    if let Some(condition) = unschedulable(pod) {
        let message = format!("no node can take it: {}", condition.message.trim());
        return Present::waiting(Cause::new("Unschedulable", message));
    }
    if let Some(init) = containers::init_in_the_way(pod) {
        return containers::behind_init(init, now).unwrap_or_else(|| being_made(snapshot, pod));
    }
    match pod.program() {
        Some(program) => at_work(snapshot, pod, program, now),
        None => Present::STARTING,
    }
}

fn at_work(
    snapshot: &Snapshot<'_>,
    pod: &Pod,
    program: &ContainerStatus,
    now: Timestamp,
) -> Present {
    if containers::is_crash_loop(program, now) {
        let cause = health::cause_of_end(snapshot, pod, program);
        return containers::crash_loop(program, pod.memory_max(), cause.as_ref());
    }
    if let Some(running) = &program.state.running {
        if health::is_starting(program) {
            return health::starting(snapshot, pod, running);
        }
        return Present::Running { since: running.started_at, cause: None };
    }
    if let Some(end) = &program.state.terminated {
        let outcome = containers::outcome(end, pod.memory_max());
        if end.began().is_none() {
            return Present::Waiting { cause: outcome.cause.clone(), last_try: Some(outcome) };
        }
        // Ended, and not yet counted or started again: until then nothing has ended.
        return Present::Running { since: end.began(), cause: held_up(pod, end.exit_code) };
    }
    match containers::waiting(program) {
        Some(waiting) => Present::waiting(containers::why_it_waits(waiting)),
        None => being_made(snapshot, pod),
    }
}

/// What keeps a pod from ending whose program has: a container beside it that goes on.
fn held_up(pod: &Pod, exit_code: i32) -> Option<Cause> {
    let other = beside(pod).find(|container| container.state.running.is_some())?;
    let message = format!(
        "its program ended with exit code {exit_code}, but another container of its pod, `{}`, still runs",
        other.name
    );
    Some(Cause { reason: None, message })
}

/// A container that is being made: why that takes so long, if an event says so.
fn being_made(snapshot: &Snapshot<'_>, pod: &Pod) -> Present {
    let event = snapshot.event(&pod.metadata, &NOT_MADE).filter(|_| is_being_made(pod));
    event.map_or(Present::STARTING, |event| {
        let message = match event.reason.as_str() {
            "FailedMount" | "FailedAttachVolume" => {
                "its home can't be mounted: ask an administrator"
            }
            _ => "its container can't be made yet: ask an administrator if this goes on",
        };
        Present::waiting(Cause::new(event.reason.as_str(), message))
    })
}

fn unschedulable(pod: &Pod) -> Option<&Condition> {
    pod.status
        .conditions
        .iter()
        .find(|condition| condition.kind == "PodScheduled" && condition.reason == "Unschedulable")
}

/// The node's own word, that it is not ready, while its last word about the containers was that
/// they are: nothing else tells a node that stands still (recorded on a real one; there is no phase
/// for it).
fn is_on_a_lost_node(pod: &Pod) -> bool {
    is(pod, "Ready", "False") && is(pod, "ContainersReady", "True")
}

fn is(pod: &Pod, kind: &str, value: &str) -> bool {
    let mut conditions = pod.status.conditions.iter();
    conditions.any(|condition| condition.kind == kind && condition.status == value)
}
