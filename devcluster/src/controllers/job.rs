//! Makes the pods of Jobs, and counts how they end.
//!
//! A pod keeps a finalizer until it has been counted, so that none vanishes before. Kubernetes
//! writes its uid into the Job's status first, since its finalizer and the count are two requests,
//! and one of them may fail. Here all actions of one reaction are done under one lock, right after
//! the look that they follow from: nobody changes a pod or the Job in between, so that a count and
//! the release of what was counted are one step, and `uncountedTerminatedPods` is always empty.
//!
//! A reaction writes the status *or* creates a pod: a created pod is a reason to look again.

mod conditions;
mod pods;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::batch::v1::{JobCondition, JobSpec, JobStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};

pub(super) use self::conditions::ended;
use self::{
    conditions::Verdict,
    pods::{Fate, Pod, Pods},
};
use super::{
    Action, Again, Note, REFUSED_PAUSE_MAX, Reaction, View, delete,
    garbage::{JOB_TRACKING, without_finalizer},
    reference, update,
};
use crate::{admission, object::Object};

/// What is to be done about a Job.
pub(super) fn reconcile(view: View<'_>, job: &Object) -> Reaction {
    let old: JobStatus = job.status();
    let pods = Pods::of(view.store, job);
    match ended(&old) {
        Some(end) => finished(view, job, &pods, end),
        None => Look { view, job, spec: job.spec(), pods, old: old.clone() }.reaction(),
    }
}

/// Nothing happens to a finished Job any more, but that it may be told to go.
fn finished(view: View<'_>, job: &Object, pods: &Pods<'_>, end: &JobCondition) -> Reaction {
    let tracked = pods.iter().filter(|pod| pod.is_tracked());
    let mut actions: Vec<_> = tracked.map(|pod| released(pod.object)).collect();
    let lifetime = job.spec::<JobSpec>().ttl_seconds_after_finished.filter(|_| !job.is_going());
    let ended_at = end.last_transition_time.as_ref();
    let last = lifetime.zip(ended_at).map(|(seconds, end)| after(end.0, seconds.into()));
    let is_outlived = last.is_some_and(|last| last <= view.now);
    actions.extend(is_outlived.then(|| delete(job)));
    Reaction { actions, again: last.filter(|_| !is_outlived).map_or(Again::Never, Again::At) }
}

/// An unfinished Job, as it is seen once.
struct Look<'a> {
    view: View<'a>,
    job: &'a Object,
    spec: JobSpec,
    pods: Pods<'a>,
    old: JobStatus,
}

/// What comes of a look.
#[derive(Default)]
struct Plan<'a> {
    status: JobStatus,
    /// Pods whose finalizer is taken away.
    released: Vec<&'a Object>,
    /// Pods that are deleted.
    deleted: Vec<&'a Object>,
    notes: Vec<Note>,
}

impl<'a> Plan<'a> {
    fn count(&mut self, pod: &Pod<'a>) {
        let count = match pod.fate {
            Fate::Succeeded => &mut self.status.succeeded,
            Fate::Failed | Fate::Active | Fate::Terminating => &mut self.status.failed,
        };
        *count.get_or_insert(0) += 1;
        self.released.push(pod.object);
    }

    /// Deletes a pod that nobody holds against the Job.
    fn dismiss(&mut self, pod: &Pod<'a>) {
        if pod.is_tracked() {
            self.released.push(pod.object);
        }
        self.deleted.push(pod.object);
    }
}

impl<'a> Look<'a> {
    fn reaction(&self) -> Reaction {
        let mut plan = Plan { status: self.old.clone(), ..Plan::default() };
        for pod in self.pods.iter().filter(|pod| pod.is_tracked() && self.is_over(pod)) {
            plan.count(pod);
        }
        match self.verdict(&plan.status) {
            _ if self.job.is_going() => self.let_go(&mut plan),
            Some(verdict) => self.end(&mut plan, verdict),
            None if self.is_suspended() => self.rest(&mut plan),
            None => self.work(&mut plan),
        }
        self.write_numbers(&mut plan);
        let actions = self.actions(plan);
        if actions.is_empty() && self.lacks_pod() {
            return self.create();
        }
        Reaction { actions, again: self.again(None) }
    }

    /// Whether a pod counts as ended: one that is told to go already does, unless the Job says
    /// that it waits for the real end.
    fn is_over(&self, pod: &Pod<'_>) -> bool {
        match pod.fate {
            Fate::Succeeded | Fate::Failed => true,
            Fate::Terminating => !self.waits_for_ends(),
            Fate::Active => false,
        }
    }

    fn waits_for_ends(&self) -> bool {
        self.spec.pod_replacement_policy.as_deref() == Some("Failed")
    }

    fn is_suspended(&self) -> bool {
        self.spec.suspend == Some(true)
    }

    /// How the Job is to end, once that is known. It never changes again then.
    fn verdict(&self, status: &JobStatus) -> Option<Verdict> {
        if let Some(verdict) = Verdict::announced(status) {
            Some(verdict)
        } else if status.failed.unwrap_or(0) > self.spec.backoff_limit.unwrap_or(0) {
            Some(Verdict::BackoffLimitExceeded)
        } else if self.deadline().is_some_and(|deadline| deadline <= self.view.now) {
            Some(Verdict::DeadlineExceeded)
        } else {
            // When only `parallelism` was given they all work on the same thing, and one that
            // succeeds says that it is done.
            let is_enough = status.succeeded.unwrap_or(0) >= self.spec.completions.unwrap_or(1);
            (is_enough && self.pods.count(Fate::Active) == 0).then_some(Verdict::Completed)
        }
    }

    fn deadline(&self) -> Option<Timestamp> {
        let Time(start) = self.old.start_time.clone().filter(|_| !self.is_suspended())?;
        self.spec.active_deadline_seconds.map(|seconds| after(start, seconds))
    }

    /// A Job that is going counts what has ended, and holds nothing back.
    fn let_go(&self, plan: &mut Plan<'a>) {
        let rest = self.pods.iter().filter(|pod| pod.is_tracked() && !self.is_over(pod));
        plan.released.extend(rest.map(|pod| pod.object));
    }

    /// Says how it will end, and that it has ended when no pod is at work any more.
    fn end(&self, plan: &mut Plan<'a>, verdict: Verdict) {
        for pod in self.pods.iter().filter(|pod| !pod.has_ended()) {
            if pod.is_tracked() && !self.is_over(pod) {
                if verdict == Verdict::Completed {
                    plan.released.push(pod.object);
                } else {
                    plan.count(pod);
                }
            }
            if pod.fate == Fate::Active {
                plan.deleted.push(pod.object);
            }
        }
        if Verdict::announced(&self.old).is_none() {
            verdict.announce(&mut plan.status, self.view.now);
        } else if self.pods.iter().all(Pod::has_ended) {
            verdict.enact(&mut plan.status, self.view.now);
            let is_warning = verdict != Verdict::Completed;
            let (reason, message) = verdict.event();
            plan.notes.push(self.note(is_warning, reason, message.to_owned()));
        }
    }

    /// A suspended Job has no pods, and its time does not run.
    fn rest(&self, plan: &mut Plan<'a>) {
        for pod in self.pods.iter().filter(|pod| pod.fate == Fate::Active) {
            plan.dismiss(pod);
        }
        plan.status.start_time = None;
        if conditions::set_suspended(&mut plan.status, true, self.view.now) {
            plan.notes.push(self.note(false, "Suspended", "Job suspended".to_owned()));
        }
    }

    fn work(&self, plan: &mut Plan<'a>) {
        if conditions::set_suspended(&mut plan.status, false, self.view.now) {
            plan.notes.push(self.note(false, "Resumed", "Job resumed".to_owned()));
        }
        plan.status.start_time.get_or_insert(Time(self.view.now));
        for pod in self.pods.by_use().skip(self.wanted(&plan.status)) {
            plan.dismiss(pod);
        }
    }

    /// How many pods should be at work.
    fn wanted(&self, status: &JobStatus) -> usize {
        let succeeded = status.succeeded.unwrap_or(0);
        let parallelism = self.spec.parallelism.unwrap_or_default();
        let wanted = match self.spec.completions {
            Some(completions) => (completions - succeeded).min(parallelism),
            // Those at work may finish; no other begins.
            None if succeeded > 0 => return self.pods.count(Fate::Active),
            None => parallelism,
        };
        usize::try_from(wanted).unwrap_or(0)
    }

    /// What is about to be deleted is not at work any more.
    fn write_numbers(&self, plan: &mut Plan<'a>) {
        let is_kept = |pod: &&Pod<'_>| !plan.deleted.iter().any(|it| it.uid() == pod.object.uid());
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let at_work = || self.pods.iter().filter(|pod| pod.fate == Fate::Active).filter(is_kept);
        let active = number(at_work().count());
        let ready = number(at_work().filter(|pod| pod.is_ready).count());
        let terminating = number(self.pods.count(Fate::Terminating) + plan.deleted.len());
        plan.status.active = Some(active).filter(|count| *count > 0);
        plan.status.ready = Some(ready);
        plan.status.terminating = Some(terminating);
        plan.status.uncounted_terminated_pods.get_or_insert_default();
    }

    fn actions(&self, plan: Plan<'_>) -> Vec<Action> {
        let told = update(self.job, self.job.clone().with_status(&plan.status));
        let mut actions = Vec::from_iter(told);
        actions.extend(plan.released.into_iter().map(released));
        for pod in plan.deleted {
            let message = format!("Deleted pod: {}", pod.name());
            actions.push(delete(pod));
            actions.push(Action::Tell(self.note(false, "SuccessfulDelete", message)));
        }
        actions.extend(plan.notes.into_iter().map(Action::Tell));
        actions
    }

    /// Asked only when the status says all there is to say.
    fn lacks_pod(&self) -> bool {
        let is_at_rest = Verdict::announced(&self.old).is_some() || self.is_suspended();
        let terminating =
            if self.waits_for_ends() { self.pods.count(Fate::Terminating) } else { 0 };
        !is_at_rest
            && !self.job.is_going()
            && self.pods.count(Fate::Active) + terminating < self.wanted(&self.old)
    }

    /// Tries a pod, unless the last one failed too short a time ago.
    fn create(&self) -> Reaction {
        let pause_end = self.pods.pause_end(self.old.failed.unwrap_or(0));
        if let Some(end) = pause_end.filter(|end| self.view.now < *end) {
            return Reaction { actions: Vec::new(), again: self.again(Some(end)) };
        }
        let pod = pods::next(self.view.store, self.job, &self.spec.template);
        match admission::admit(self.view.store, pod) {
            Ok(pod) => {
                let message = format!("Created pod: {}", pod.name());
                let note = self.note(false, "SuccessfulCreate", message);
                let actions = vec![Action::Create(Box::new(pod)), Action::Tell(note)];
                Reaction { actions, again: self.again(None) }
            }
            Err(forbidden) => {
                let note = self.note(true, "FailedCreate", format!("Error creating: {forbidden}"));
                let left = self.deadline().map(|deadline| deadline.duration_since(self.view.now));
                let pause_max = REFUSED_PAUSE_MAX.min(left.unwrap_or(REFUSED_PAUSE_MAX));
                let again = Again::Failed { pause_max };
                Reaction { actions: vec![Action::Tell(note)], again }
            }
        }
    }

    fn again(&self, time: Option<Timestamp>) -> Again {
        let is_decided = self.job.is_going() || Verdict::announced(&self.old).is_some();
        let deadline = self.deadline().filter(|_| !is_decided);
        deadline.into_iter().chain(time).min().map_or(Again::Never, Again::At)
    }

    fn note(&self, is_warning: bool, reason: &'static str, message: String) -> Note {
        let about = reference(self.job);
        Note { about, is_warning, reason, message, source: "job-controller" }
    }
}

fn released(pod: &Object) -> Action {
    without_finalizer(pod, JOB_TRACKING)
}

fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
