//! What one pod says about its job.

use jiff::Timestamp;
use tjf_api_types::Phase;

use super::{Snapshot, Status};
use crate::job::{
    command::LOG_NOT_WRITABLE,
    objects::{ContainerState, Pod, Terminated},
};

/// 128 and the number of the signal.
const SIGNALS: std::ops::RangeInclusive<i32> = 129..=159;
/// What says nothing that the exit code does not.
const SILENT_WORDS: [&str; 4] = ["", "Error", "Completed", "ContainerCreating"];
/// Events that say why a container can't be made.
const NOT_MADE: [&str; 3] = ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];
/// Begins a message that is not the container's but the node's, and names the node's own files.
const UNREAD_MESSAGE: &str = "Error on reading termination message";
/// A program that was started again has to run for this long before it counts as running: between
/// two crashes it does so for a moment too. Kubernetes' own pause between the first two tries.
const SETTLED_SECONDS: i64 = 10;

/// Whether the pod has ended.
pub(super) fn has_ended(pod: &Pod) -> bool {
    matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
}

/// Whether its container is being made, which takes long only when something is wrong.
pub(super) fn is_being_made(pod: &Pod) -> bool {
    let waits_without_a_word = |state: &ContainerState| {
        state
            .waiting
            .as_ref()
            .is_some_and(|waiting| SILENT_WORDS.contains(&waiting.reason.as_str()))
    };
    pod.status.phase == "Pending"
        && pod.status.container_statuses.iter().any(|status| waits_without_a_word(&status.state))
}

/// What the container did when it last ended.
fn last_end(pod: &Pod) -> Option<&Terminated> {
    let status = pod.status.container_statuses.first()?;
    status.state.terminated.as_ref().or(status.last_state.terminated.as_ref())
}

/// The status of a pod that has ended.
pub(super) fn ended(pod: &Pod) -> Status {
    let is_success = pod.status.phase == "Succeeded";
    let phase = Some(if is_success { Phase::Succeeded } else { Phase::Failed });
    let mut status = Status { phase, ..Status::default() };
    if let Some(end) = last_end(pod) {
        told_by(&mut status, end);
    }
    // What the pod says itself, and no program in it: `Evicted`, or that its node refused it.
    if !pod.status.reason.is_empty() {
        let why = match pod.status.reason.as_str() {
            "Evicted" => "the node had to end it: it used too much of the node's disk or memory",
            _ => "its node could not run it, or had to end it",
        };
        status.reason = Some(pod.status.reason.clone());
        status.message = Some(why.to_owned());
    }
    if is_success {
        (status.reason, status.message) = (None, None);
    }
    status
}

/// Puts what an ended container says into a status: the first reason that applies.
fn told_by(status: &mut Status, end: &Terminated) {
    let code = end.exit_code;
    status.exit_code = Some(code);
    status.signal = SIGNALS.contains(&code).then(|| code - 128);
    status.oom_killed = Some(end.reason == "OOMKilled");
    status.started_at = end.began();
    status.finished_at = end.finished_at;
    let (reason, message) = if let (LOG_NOT_WRITABLE, Some(sentence)) = (code, last_words(end)) {
        ("LogNotWritable", sentence.to_owned())
    } else if end.reason == "OOMKilled" {
        ("OOMKilled", "it used more memory than it may: ask for more with `memory`".to_owned())
    } else if matches!(end.reason.as_str(), "StartError" | "ContainerCannotRun") {
        (end.reason.as_str(), "its program could not be started in this container".to_owned())
    } else if !SILENT_WORDS.contains(&end.reason.as_str()) {
        (end.reason.as_str(), format!("it ended with exit code {code}"))
    } else if let Some(signal) = status.signal {
        ("Signal", format!("signal {signal} ended it"))
    } else if code != 0 {
        ("ExitCode", format!("it ended with exit code {code}"))
    } else {
        return;
    };
    status.reason = Some(reason.to_owned());
    status.message = Some(message);
}

/// The one sentence that the wrapper leaves when it can't open a log file.
fn last_words(end: &Terminated) -> Option<&str> {
    let sentence = end.message.lines().find(|line| !line.trim().is_empty())?;
    (!sentence.starts_with(UNREAD_MESSAGE)).then(|| sentence.trim())
}

/// How often the pod's program was started anew.
pub(super) fn restarts(pod: &Pod) -> i64 {
    pod.status.container_statuses.first().map_or(0, |status| status.restart_count)
}

/// The status of a pod that has not ended.
pub(super) fn present(snapshot: &Snapshot, pod: &Pod, now: Timestamp) -> Status {
    if !is_on_a_lost_node(pod) {
        return container(snapshot, pod, now);
    }
    let container = pod.status.container_statuses.first();
    let running = container.and_then(|container| container.state.running.as_ref());
    Status {
        phase: Some(Phase::Unknown),
        reason: Some("NodeLost".to_owned()),
        message: Some("its node does not answer: it may still be running".to_owned()),
        started_at: running.and_then(|running| running.started_at),
        ..Status::default()
    }
}

/// The node's own word, that it is not ready, while its last word about the containers was that
/// they are: nothing else tells a node that stands still (recorded on a real one; there is no phase
/// for it).
fn is_on_a_lost_node(pod: &Pod) -> bool {
    let is = |kind: &str, value: &str| {
        pod.status
            .conditions
            .iter()
            .any(|condition| condition.kind == kind && condition.status == value)
    };
    is("Ready", "False") && is("ContainersReady", "True")
}

fn container(snapshot: &Snapshot, pod: &Pod, now: Timestamp) -> Status {
    let unschedulable =
        pod.status.conditions.iter().find(|condition| {
            condition.kind == "PodScheduled" && condition.reason == "Unschedulable"
        });
    if let Some(condition) = unschedulable {
        return Status::pending(
            "Unschedulable",
            format!("no node can take it: {}", condition.message.trim()),
        );
    }
    let Some(container) = pod.status.container_statuses.first() else {
        return Status::default();
    };
    let has_crashed = container.restart_count > 0 && container.last_state.terminated.is_some();
    if let Some(running) = &container.state.running {
        let settled = running
            .started_at
            .is_some_and(|at| now.duration_since(at).as_secs() >= SETTLED_SECONDS);
        if has_crashed && !settled {
            return crash_loop(pod);
        }
        let (phase, started_at) = (Some(Phase::Running), running.started_at);
        return Status { phase, started_at, ..Status::default() };
    }
    if let Some(end) = &container.state.terminated {
        if has_crashed {
            return crash_loop(pod);
        }
        if end.began().is_none() {
            let mut status = Status { phase: Some(Phase::Pending), ..Status::default() };
            told_by(&mut status, end);
            return status;
        }
        // Ended, and not yet counted or started again: until then nothing has ended.
        return Status {
            phase: Some(Phase::Running),
            started_at: end.began(),
            ..Status::default()
        };
    }
    let word = container.state.waiting.as_ref().map_or("", |waiting| waiting.reason.as_str());
    match word {
        "CrashLoopBackOff" => crash_loop(pod),
        word if SILENT_WORDS.contains(&word) => snapshot
            .event(&pod.metadata, &NOT_MADE)
            .filter(|_| is_being_made(pod))
            .map_or_else(Status::default, |event| {
                Status::pending(&event.reason, not_made(&event.reason))
            }),
        word => Status::pending(word, waiting_words(word)),
    }
}

/// A program that ends again and again: why it did so last, and that it is tried again.
fn crash_loop(pod: &Pod) -> Status {
    let mut status = last_end(pod).map_or_else(Status::default, |end| {
        let mut status = Status::default();
        told_by(&mut status, end);
        status
    });
    let why = status
        .message
        .take()
        .unwrap_or_else(|| "it ended, although it should run for ever".to_owned());
    status.phase = Some(Phase::Pending);
    if status.reason.as_deref() != Some("LogNotWritable") {
        status.reason = Some("CrashLoopBackOff".to_owned());
    }
    status.message = Some(format!("{why}; it is started again after a pause"));
    status
}

fn waiting_words(word: &str) -> &'static str {
    match word {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
            "its container image can't be fetched: ask an administrator, or use another container"
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            "its container can't be made: ask an administrator"
        }
        _ => "its container waits",
    }
}

fn not_made(reason: &str) -> &'static str {
    match reason {
        "FailedMount" | "FailedAttachVolume" => "its home can't be mounted: ask an administrator",
        _ => "its container can't be made yet: ask an administrator if this goes on",
    }
}
