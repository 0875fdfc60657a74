//! Jobs: pods until enough have succeeded or too many have failed.

mod conditions;
mod pods;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::batch::v1::{JobSpec, JobStatus, UncountedTerminatedPods},
    apimachinery::pkg::apis::meta::v1::Time,
};

use self::{
    conditions::{COMPLETE, FAILED, FAILURE_TARGET, SUCCESS_CRITERIA_MET, SUSPENDED, Verdict},
    pods::Pods,
};
use super::{Action, Again, Note, Reaction, View, reference};
use crate::{
    admission,
    object::Object,
    store::{Deletion, Propagation},
};

/// Between two tries: as long at first, then twice as long each time, up to this.
const BACK_OFF_MIN: SignedDuration = SignedDuration::from_secs(10);
const BACK_OFF_MAX: SignedDuration = SignedDuration::from_secs(600);
/// Between two tries to create a pod for which there is no room.
const REFUSED_PAUSE_MAX: SignedDuration = SignedDuration::from_secs(60);
const SOURCE: &str = "job-controller";

/// What is to be done about a Job.
pub(super) fn reconcile(view: View<'_>, job: &Object) -> Reaction {
    let (spec, old): (JobSpec, JobStatus) = (job.spec(), job.status());
    let pods = Pods::of(view.store, job);
    if job.is_going() {
        // Its pods are the garbage collector's, which waits until they are free to go.
        let actions = pods.tracked_ended().map(pods::release).collect();
        return Reaction { actions, again: Again::Never };
    }
    if let Some(ended_at) = conditions::ended_at(&old) {
        return finished(view, job, &spec, &pods, ended_at);
    }
    let mut look =
        Look { view, job, spec, status: old.clone(), pods, reaction: Reaction::default() };
    look.decide();
    look.finish(&old)
}

/// A Job that has ended stays as it is, until its time is over.
fn finished(
    view: View<'_>,
    job: &Object,
    spec: &JobSpec,
    pods: &Pods<'_>,
    ended_at: Timestamp,
) -> Reaction {
    let mut actions: Vec<_> = pods.tracked_ended().map(pods::release).collect();
    actions.extend(pods.active().map(pods::delete));
    let ttl = spec.ttl_seconds_after_finished.map(|ttl| SignedDuration::from_secs(ttl.into()));
    let Some(end) = ttl.and_then(|ttl| ended_at.checked_add(ttl).ok()) else {
        return Reaction { actions, again: Again::Never };
    };
    if view.now < end {
        return Reaction { actions, again: Again::At(end) };
    }
    let deletion = Deletion {
        propagation: Some(Propagation::Background),
        uid: Some(job.uid().to_owned()),
        grace_seconds: None,
    };
    actions.push(Action::Delete(job.key(), deletion));
    Reaction { actions, again: Again::Never }
}

/// One look at a Job that has not ended.
struct Look<'a> {
    view: View<'a>,
    job: &'a Object,
    spec: JobSpec,
    status: JobStatus,
    pods: Pods<'a>,
    reaction: Reaction,
}

impl Look<'_> {
    fn decide(&mut self) {
        if self.spec.suspend == Some(true) {
            return self.suspend();
        }
        if conditions::is_true(&self.status, SUSPENDED) {
            self.set(&Verdict::resumed(), SUSPENDED, false);
            self.tell(false, "Resumed", "Job resumed".to_owned());
            self.status.start_time = None;
        }
        self.status.start_time.get_or_insert(Time(self.view.now));
        self.count();
        if conditions::is_true(&self.status, SUCCESS_CRITERIA_MET) {
            return self.complete();
        }
        if let Some(verdict) = conditions::verdict(&self.status, FAILURE_TARGET) {
            return self.fail(&verdict);
        }
        if self.status.succeeded.unwrap_or(0) >= self.completions() {
            return self.set(&Verdict::completions_reached(), SUCCESS_CRITERIA_MET, true);
        }
        match self.too_late_or_too_often() {
            Some(verdict) => {
                self.set(&verdict, FAILURE_TARGET, true);
                self.delete_active();
            }
            None => self.keep_running(),
        }
    }

    fn suspend(&mut self) {
        // What ends because of this is no failure.
        self.reaction.actions.extend(self.pods.tracked_ended().map(pods::release));
        self.delete_active();
        if !conditions::is_true(&self.status, SUSPENDED) {
            self.set(&Verdict::suspended(), SUSPENDED, true);
            self.tell(false, "Suspended", "Job suspended".to_owned());
        }
        self.status.start_time = None;
    }

    /// Counts pods that have ended, and lets go of them. All actions of a reaction are done under
    /// one lock, and what they change was seen under it: so none is counted twice or not at all.
    fn count(&mut self) {
        let add = |to: &mut Option<i32>, count: usize| {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            *to = Some(to.unwrap_or(0).saturating_add(count)).filter(|sum| *sum > 0);
        };
        add(
            &mut self.status.succeeded,
            self.pods.tracked_ended().filter(|pod| pods::has_succeeded(pod)).count(),
        );
        add(
            &mut self.status.failed,
            self.pods.tracked_ended().filter(|pod| !pods::has_succeeded(pod)).count(),
        );
        self.reaction.actions.extend(self.pods.tracked_ended().map(pods::release));
    }

    fn complete(&mut self) {
        self.delete_active();
        if self.pods.is_quiet() {
            self.set(&Verdict::completions_reached(), COMPLETE, true);
            self.status.completion_time = Some(Time(self.view.now));
            self.tell(false, "Completed", "Job completed".to_owned());
        }
    }

    fn fail(&mut self, verdict: &Verdict) {
        self.delete_active();
        if self.pods.is_quiet() {
            self.set(verdict, FAILED, true);
            self.tell(true, verdict.reason, verdict.message.to_owned());
        }
    }

    fn too_late_or_too_often(&self) -> Option<Verdict> {
        // One that was deleted by hand has as good as failed.
        let failed = self.status.failed.unwrap_or(0) + as_i32(self.pods.terminating().count());
        if failed > self.spec.backoff_limit.unwrap_or(6) {
            return Some(Verdict::backoff_limit_exceeded());
        }
        let is_over = self.deadline().is_some_and(|deadline| self.view.now >= deadline);
        is_over.then(Verdict::deadline_exceeded)
    }

    /// Creates the next pod, or says when to look again.
    fn keep_running(&mut self) {
        self.reaction.again = self.deadline().map_or(Again::Never, Again::At);
        let replaces_terminating = self.spec.pod_replacement_policy.as_deref() != Some("Failed");
        let mut present = self.pods.active().count();
        if !replaces_terminating {
            present += self.pods.terminating().count();
        }
        let left = self.completions() - self.status.succeeded.unwrap_or(0);
        let wanted = left.min(self.spec.parallelism.unwrap_or(1));
        if as_i32(present) > wanted {
            let surplus = self.pods.active().last().map(pods::delete);
            self.reaction.actions.extend(surplus);
        } else if as_i32(present) < wanted {
            match self.next_try().filter(|next| self.view.now < *next) {
                Some(next) => {
                    let deadline = self.deadline().unwrap_or(next);
                    self.reaction.again = Again::At(next.min(deadline));
                }
                None => self.create(),
            }
        }
    }

    fn create(&mut self) {
        let pod = pods::new(self.view.store, self.job, &self.spec);
        let name = pod.name().to_owned();
        match admission::admit(self.view.store, pod) {
            Ok(pod) => {
                self.reaction.actions.push(Action::Create(Box::new(pod)));
                self.tell(false, "SuccessfulCreate", format!("Created pod: {name}"));
            }
            Err(forbidden) => {
                self.tell(true, "FailedCreate", format!("Error creating: {forbidden}"));
                self.reaction.again = Again::Failed { pause_max: REFUSED_PAUSE_MAX };
            }
        }
    }

    /// After the last failure there is a pause.
    fn next_try(&self) -> Option<Timestamp> {
        let failures = u32::try_from(self.status.failed?).ok()?;
        let doublings = failures.saturating_sub(1).min(10);
        let pause = (BACK_OFF_MIN * 2_i32.pow(doublings)).min(BACK_OFF_MAX);
        self.pods.last_failure()?.checked_add(pause).ok()
    }

    fn deadline(&self) -> Option<Timestamp> {
        let seconds = SignedDuration::from_secs(self.spec.active_deadline_seconds?);
        self.status.start_time.as_ref()?.0.checked_add(seconds).ok()
    }

    fn completions(&self) -> i32 {
        self.spec.completions.unwrap_or(1)
    }

    fn delete_active(&mut self) {
        self.reaction.actions.extend(self.pods.active().map(pods::delete));
    }

    fn set(&mut self, verdict: &Verdict, name: &'static str, is_true: bool) {
        conditions::set(&mut self.status, name, is_true, verdict, self.view.now);
    }

    fn tell(&mut self, is_warning: bool, reason: &'static str, message: String) {
        let about = reference(self.job);
        let note = Note { about, is_warning, reason, message, source: SOURCE };
        self.reaction.actions.push(Action::Tell(note));
    }

    /// The status goes first, or a pod could be let go uncounted.
    fn finish(mut self, old: &JobStatus) -> Reaction {
        self.status.active = Some(as_i32(self.pods.active().count())).filter(|count| *count > 0);
        self.status.ready = Some(as_i32(self.pods.ready().count()));
        self.status.terminating = Some(as_i32(self.pods.terminating().count()));
        self.status.uncounted_terminated_pods = Some(UncountedTerminatedPods::default());
        if self.status != *old {
            let changed = self.job.clone().with_status(&self.status);
            self.reaction.actions.insert(0, Action::Update(Box::new(changed)));
        }
        self.reaction
    }
}

fn as_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
