//! One pod on the node, from its first process to its last.

use std::{ops::ControlFlow, path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PodSpec, PodStatus};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    Node,
    container::{self, ConfigError},
    probe::{Finding, Probing},
    process::Process,
    status::{self, End, Progress},
};
use crate::{
    controllers::{Note, engine, reference},
    object::{Key, Object},
    pod::protocol::{EXIT_CODE_KILLED, Report, Start},
};

/// The first pause before a program is started again that has ended more than once.
const BACK_OFF_MIN: Duration = Duration::from_secs(10);
const BACK_OFF_MAX: Duration = Duration::from_secs(300);
/// A program that ran for so long has no pause behind it any more.
const GOOD_TIME: Duration = Duration::from_secs(600);
/// Between two looks at what is not there yet.
const LOOK_TIME: Duration = Duration::from_secs(1);
/// How much of a log tells why a program failed, as a real kubelet takes it.
const MESSAGE_BYTES_MAX: usize = 2048;
/// What could not be started is given this, as containerd does.
const EXIT_CODE_NOT_STARTED: i32 = 128;

/// A pod that this node runs.
pub(super) struct Worker {
    node: Arc<Node>,
    key: Key,
    pod: Arc<Object>,
    spec: PodSpec,
    progress: Progress,
    stops: watch::Receiver<Option<u64>>,
}

impl Worker {
    /// `stops` says with which grace the pod is to end, as soon as it is.
    pub(super) fn new(
        node: Arc<Node>,
        pod: Arc<Object>,
        stops: watch::Receiver<Option<u64>>,
    ) -> Self {
        Self { node, key: pod.key(), spec: pod.spec(), pod, progress: Progress::default(), stops }
    }

    /// Runs the pod to its end; then it is only a record.
    pub(super) async fn run(mut self) {
        self.bind();
        self.show(status::waiting("ContainerCreating", None));
        let _ = self.until_end().await;
    }

    async fn until_end(&mut self) -> ControlFlow<()> {
        self.until_possible().await?;
        let mut back_off = Duration::ZERO;
        loop {
            let user = self.node.user_of(&self.key.namespace);
            let start = container::process(&self.spec, &self.key.name, self.log(), user);
            let made = start.and_then(|start| Ok((self.probing(&start)?, start)));
            let (probing, start) = match made {
                Ok(made) => made,
                Err(ConfigError(why)) => {
                    self.show(status::waiting("CreateContainerConfigError", Some(why)));
                    self.stopped().await;
                    return ControlFlow::Break(());
                }
            };
            let began = Instant::now();
            let end = self.run_once(&start, probing).await;
            self.finish(&end)?;
            if began.elapsed() >= GOOD_TIME {
                back_off = Duration::ZERO;
            }
            self.pause(back_off).await?;
            back_off = (back_off * 2).clamp(BACK_OFF_MIN, BACK_OFF_MAX);
            self.progress.restarts += 1;
        }
    }

    /// An image that nobody has, and a folder that is not there, are waited for.
    async fn until_possible(&mut self) -> ControlFlow<()> {
        let image = self.spec.containers.first().and_then(|one| one.image.clone());
        let image = image.unwrap_or_default();
        if self.node.absent_images.contains(&image) {
            let why = format!("Back-off pulling image \"{image}\": ErrImagePull: not found");
            self.show(status::waiting("ImagePullBackOff", Some(why)));
            self.stopped().await;
            return ControlFlow::Break(());
        }
        while let Some((volume, path)) = container::missing_folder(&self.spec) {
            let message = format!(
                "MountVolume.SetUp failed for volume \"{volume}\" : hostPath type check failed: {} \
                 is not a directory",
                path.display()
            );
            self.tell("FailedMount", message);
            if timeout(LOOK_TIME, self.stopped()).await.is_ok() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    }

    /// One run of the program, from its start to its end.
    async fn run_once(&mut self, start: &Start, mut probing: Probing) -> End {
        let not_started = |reason: String| End {
            exit_code: EXIT_CODE_NOT_STARTED,
            reason: "StartError",
            message: Some(reason),
            started_at: None,
        };
        let mut process = match Process::start(&self.node.program, start).await {
            Ok(process) => process,
            Err(error) => return not_started(error.to_string()),
        };
        let started_at = self.node.shared.now();
        let mut stops = self.stops.clone();
        stops.mark_changed();
        let mut is_at_work = false;
        self.progress.has_started = !probing.is_starting();
        let end = loop {
            tokio::select! {
                report = process.report() => match report {
                    Some(Report::Started) => {
                        is_at_work = true;
                        self.show(status::running(started_at));
                    }
                    Some(Report::NotStarted { reason }) => break not_started(reason),
                    Some(Report::Ended { exit_code, oom_killed }) => {
                        break self.ended(exit_code, oom_killed, started_at).await;
                    }
                    // A supervisor that was killed has no last words.
                    None => break self.ended(EXIT_CODE_KILLED, false, started_at).await,
                },
                Ok(()) = stops.changed() => {
                    let grace = *stops.borrow_and_update();
                    if let Some(grace_seconds) = grace {
                        probing.end();
                        process.stop(grace_seconds).await;
                    }
                }
                finding = probing.next(), if is_at_work => match finding {
                    Finding::Started => {
                        self.progress.has_started = true;
                        self.show(status::running(started_at));
                    }
                    Finding::Unhealthy { message, is_too_much } => {
                        self.tell("Unhealthy", message);
                        if is_too_much {
                            probing.end();
                            process.stop(self.grace_seconds()).await;
                        }
                    }
                },
            }
        };
        process.gone().await;
        end
    }

    fn probing(&self, start: &Start) -> Result<Probing, ConfigError> {
        let container = self.spec.containers.first().cloned().unwrap_or_default();
        Probing::new(&container, start, self.node.program.clone())
    }

    /// What a program has for its last words that does not work.
    fn grace_seconds(&self) -> u64 {
        let grace = self.spec.termination_grace_period_seconds;
        grace.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(30)
    }

    async fn ended(&self, exit_code: i32, oom_killed: bool, started_at: Timestamp) -> End {
        let reason = match exit_code {
            _ if oom_killed => "OOMKilled",
            0 => "Completed",
            _ => "Error",
        };
        let policy =
            self.spec.containers.first().and_then(|one| one.termination_message_policy.as_deref());
        let message = match policy {
            Some("FallbackToLogsOnError") if exit_code != 0 => self.last_words().await,
            _ => None,
        };
        End { exit_code, reason, message, started_at: Some(started_at) }
    }

    async fn last_words(&self) -> Option<String> {
        let log = tokio::fs::read(self.log()).await.ok()?;
        let last = &log[log.len().saturating_sub(MESSAGE_BYTES_MAX)..];
        Some(String::from_utf8_lossy(last).into_owned()).filter(|text| !text.is_empty())
    }

    /// Notes an end, and whether it was the last.
    fn finish(&mut self, end: &End) -> ControlFlow<()> {
        let is_last = match self.spec.restart_policy.as_deref() {
            Some("Never") => true,
            Some("OnFailure") => end.exit_code == 0,
            _ => false,
        };
        self.progress.is_over = is_last || self.stops.borrow().is_some();
        self.show(status::terminated(end, self.node.shared.now()));
        if self.progress.is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Before a program that ended is started again. The first time that is at once.
    async fn pause(&mut self, back_off: Duration) -> ControlFlow<()> {
        self.progress.last_state = Some(self.progress.state.clone());
        if back_off.is_zero() {
            return ControlFlow::Continue(());
        }
        let Key { namespace, name, .. } = &self.key;
        let message = format!(
            "back-off {}s restarting failed container={} pod={name}_{namespace}({})",
            back_off.as_secs(),
            self.spec.containers.first().map_or("", |one| one.name.as_str()),
            self.pod.uid()
        );
        self.show(status::waiting("CrashLoopBackOff", Some(message)));
        tokio::select! {
            () = sleep(back_off) => ControlFlow::Continue(()),
            () = self.stopped() => ControlFlow::Break(()),
        }
    }

    async fn stopped(&self) {
        let _ = self.stops.clone().wait_for(Option::is_some).await;
    }

    fn bind(&self) {
        self.change(|pod, _| {
            let mut spec: PodSpec = pod.spec();
            spec.node_name = Some(super::NODE.to_owned());
            pod.with_spec(&spec)
        });
    }

    /// Writes down what the container does now.
    fn show(&mut self, state: k8s_openapi::api::core::v1::ContainerState) {
        self.progress.state = state;
        self.change(|pod, now| {
            let old: PodStatus = pod.status();
            let new = status::of(&old, &self.spec, &self.progress, now);
            pod.with_status(&new)
        });
    }

    fn change(&self, change: impl FnOnce(Object, Timestamp) -> Object) {
        self.node.shared.with(|store, now| {
            let found = store.get(&self.key).filter(|pod| pod.uid() == self.pod.uid());
            if let Some(changed) = found.map(|pod| change(Object::clone(pod), now)) {
                // It was read a moment ago, under the same lock.
                let _ = store.update(changed);
            }
        });
    }

    fn tell(&self, reason: &'static str, message: String) {
        let about = reference(&self.pod);
        let note = Note { about, is_warning: true, reason, message, source: "kubelet" };
        self.node.shared.with(|store, now| {
            let _ = engine::tell(store, &note, now);
        });
    }

    fn log(&self) -> PathBuf {
        self.node.logs.join(self.pod.uid())
    }
}
