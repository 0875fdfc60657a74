//! What a pod's status says of its process.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{
        ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
        ContainerStatus, PodCondition, PodSpec, PodStatus,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};

/// What has become of a pod's only container so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// Now.
    pub(super) state: ContainerState,
    /// How it ended before it was started again.
    pub(super) last_state: Option<ContainerState>,
    /// How often it was started again.
    pub(super) restarts: i32,
    /// Whether its startup probe, if it has one, has succeeded.
    pub(super) has_started: bool,
    /// Whether it will never be started again.
    pub(super) is_over: bool,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) exit_code: i32,
    pub(super) reason: &'static str,
    pub(super) message: Option<String>,
    /// When it had begun; not at all when it could not be started.
    pub(super) started_at: Option<Timestamp>,
}

pub(super) fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    let waiting = ContainerStateWaiting { reason: Some(reason.to_owned()), message };
    ContainerState { waiting: Some(waiting), ..ContainerState::default() }
}

pub(super) fn running(since: Timestamp) -> ContainerState {
    let running = ContainerStateRunning { started_at: Some(Time(since)) };
    ContainerState { running: Some(running), ..ContainerState::default() }
}

pub(super) fn terminated(end: &End, now: Timestamp) -> ContainerState {
    let terminated = ContainerStateTerminated {
        exit_code: end.exit_code,
        reason: Some(end.reason.to_owned()),
        message: end.message.clone(),
        // As a real kubelet says it of what never began.
        started_at: Some(Time(end.started_at.unwrap_or(Timestamp::UNIX_EPOCH))),
        finished_at: Some(Time(now)),
        ..ContainerStateTerminated::default()
    };
    ContainerState { terminated: Some(terminated), ..ContainerState::default() }
}

/// The status of a pod that is on a node.
pub(super) fn of(
    old: &PodStatus,
    spec: &PodSpec,
    progress: &Progress,
    now: Timestamp,
) -> PodStatus {
    let container = spec.containers.first().cloned().unwrap_or_default();
    let is_running = progress.state.running.is_some();
    let is_ready = is_running && progress.has_started;
    let has_begun = is_running || progress.restarts > 0 || progress.last_state.is_some();
    let phase = match &progress.state.terminated {
        Some(end) if progress.is_over && end.exit_code == 0 => "Succeeded",
        Some(_) if progress.is_over => "Failed",
        _ if has_begun || progress.state.terminated.is_some() => "Running",
        _ => "Pending",
    };
    let unready = Some(if phase == "Succeeded" { "PodCompleted" } else { "ContainersNotReady" });
    let mut conditions = old.conditions.clone().unwrap_or_default();
    for (name, is_true, reason) in [
        ("PodScheduled", true, None),
        ("Initialized", true, None),
        ("ContainersReady", is_ready, unready),
        ("Ready", is_ready, unready),
    ] {
        set(&mut conditions, name, is_true, reason.filter(|_| !is_true), now);
    }
    PodStatus {
        phase: Some(phase.to_owned()),
        conditions: Some(conditions),
        start_time: old.start_time.clone().or(Some(Time(now))),
        host_ip: Some("127.0.0.1".to_owned()),
        container_statuses: Some(vec![ContainerStatus {
            name: container.name,
            image: container.image.unwrap_or_default(),
            ready: is_ready,
            started: Some(is_ready),
            restart_count: progress.restarts,
            state: Some(progress.state.clone()),
            last_state: Some(progress.last_state.clone().unwrap_or_default()),
            ..ContainerStatus::default()
        }]),
        ..old.clone()
    }
}

/// The status of a pod for which there is no room.
pub(super) fn unschedulable(old: &PodStatus, now: Timestamp) -> PodStatus {
    let mut conditions = old.conditions.clone().unwrap_or_default();
    set(&mut conditions, "PodScheduled", false, Some("Unschedulable"), now);
    for condition in &mut conditions {
        condition.message = Some("0/1 nodes are available: 1 Too many pods.".to_owned());
    }
    PodStatus { conditions: Some(conditions), ..old.clone() }
}

fn set(
    conditions: &mut Vec<PodCondition>,
    name: &str,
    is_true: bool,
    reason: Option<&str>,
    now: Timestamp,
) {
    let status = if is_true { "True" } else { "False" };
    let known = conditions.iter().position(|condition| condition.type_ == name);
    let old = known.map(|index| conditions.swap_remove(index));
    // The time of the last change, not of the last look.
    let since = old.filter(|old| old.status == status).and_then(|old| old.last_transition_time);
    conditions.push(PodCondition {
        type_: name.to_owned(),
        status: status.to_owned(),
        reason: reason.map(str::to_owned),
        last_transition_time: since.or(Some(Time(now))),
        ..PodCondition::default()
    });
    conditions.sort_by(|one, other| one.type_.cmp(&other.type_));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn to_say_again_that_there_is_no_room_changes_nothing() {
        let told = unschedulable(&PodStatus::default(), at(0));
        let [condition] = told.conditions.as_deref().unwrap() else { panic!("{told:?}") };
        assert_eq!(condition.reason.as_deref(), Some("Unschedulable"));
        assert!(condition.message.as_deref().unwrap().ends_with("Too many pods."));
        assert_eq!(unschedulable(&told, at(5000)), told);
    }
}
