//! Cron jobs: a Job whenever the schedule says so.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use k8s_openapi::{
    api::{
        batch::v1::{CronJobSpec, CronJobStatus, JobStatus},
        core::v1::ObjectReference,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time},
};
use serde_json::json;
use tjf_handlers::job::schedule::{Schedule, time_zone};

use super::{Action, Again, Note, Reaction, View, reference};
use crate::{
    admission,
    kind::Kind,
    object::{Key, Object},
    store::{Deletion, Propagation},
};

const SOURCE: &str = "cronjob-controller";
/// When the child is known to be for, in the cron job's own zone.
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// Between two tries to create a child for which there is no room.
const REFUSED_PAUSE_MAX: SignedDuration = SignedDuration::from_secs(60);

/// What is to be done about a cron job.
pub(super) fn reconcile(view: View<'_>, cronjob: &Object) -> Reaction {
    if cronjob.is_going() {
        return Reaction::default();
    }
    let (spec, status): (CronJobSpec, CronJobStatus) = (cronjob.spec(), cronjob.status());
    let owns = |job: &&Object| job.controller().is_some_and(|owner| owner.uid == cronjob.uid());
    let children = view.store.dependents_of(cronjob.uid()).map(AsRef::as_ref).filter(owns);
    let mut children: Vec<_> = children.collect();
    children.sort_by_key(|job| job.created_at());
    let (old, reaction) = (status.clone(), Reaction::default());
    let mut look = Look { view, cronjob, spec, status, children, reaction };
    look.note_ends();
    look.keep_history();
    if look.spec.suspend != Some(true) {
        look.tick();
    }
    look.finish(&old)
}

/// One look at a cron job.
struct Look<'a> {
    view: View<'a>,
    cronjob: &'a Object,
    spec: CronJobSpec,
    status: CronJobStatus,
    /// Oldest first.
    children: Vec<&'a Object>,
    reaction: Reaction,
}

/// How a child ended: `Complete` or `Failed`, and when.
fn end(job: &Object) -> Option<(String, Timestamp)> {
    let status: JobStatus = job.status();
    let conditions = status.conditions.unwrap_or_default();
    let end = conditions.into_iter().find(|condition| {
        ["Complete", "Failed"].contains(&condition.type_.as_str()) && condition.status == "True"
    })?;
    let at = end.last_transition_time.map_or(Timestamp::UNIX_EPOCH, |time| time.0);
    Some((end.type_, at))
}

impl Look<'_> {
    /// Children that have ended or gone are not active any more. Those that somebody else made
    /// never were, and are only spoken of.
    fn note_ends(&mut self) {
        let active = self.status.active.take().unwrap_or_default();
        for child in self.children.clone() {
            let was_active = active.iter().any(|one| one.uid.as_deref() == Some(child.uid()));
            match end(child) {
                None if !was_active => {
                    let name = child.name();
                    let message =
                        format!("Saw a job that the controller did not create or forgot: {name}");
                    self.tell_once(true, "UnexpectedJob", message);
                }
                Some((condition, at)) if was_active => {
                    if condition == "Complete" {
                        self.status.last_successful_time = Some(Time(at));
                    }
                    let name = child.name();
                    let message = format!("Saw completed job: {name}, condition: {condition}");
                    self.tell(false, "SawCompletedJob", message);
                }
                None | Some(_) => {}
            }
        }
        let runs = |one: &ObjectReference| {
            let is_it = |job: &&&Object| Some(job.uid()) == one.uid.as_deref();
            self.children.iter().find(is_it).is_some_and(|job| end(job).is_none())
        };
        let running: Vec<_> = active.into_iter().filter(runs).collect();
        self.status.active = Some(running).filter(|running| !running.is_empty());
    }

    /// Of those that ended only the last few are kept.
    fn keep_history(&mut self) {
        let limits = [
            ("Complete", self.spec.successful_jobs_history_limit.unwrap_or(3)),
            ("Failed", self.spec.failed_jobs_history_limit.unwrap_or(1)),
        ];
        for (condition, limit) in limits {
            let ended = |job: &&&Object| end(job).is_some_and(|(name, _)| name == condition);
            let ended: Vec<_> = self.children.iter().filter(ended).collect();
            let surplus = ended.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
            let deletions = ended.into_iter().take(surplus).map(|job| delete(job));
            self.reaction.actions.extend(deletions);
        }
    }

    /// Starts what is due, and says when the next will be.
    fn tick(&mut self) {
        let Some((schedule, zone)) = self.schedule() else { return };
        let now = self.view.now;
        let next = schedule.next_after(now, &zone);
        self.reaction.again = next.map_or(Again::Never, Again::At);
        let Some(due) = self.due(&schedule, &zone) else { return };
        let active = self.status.active.clone().unwrap_or_default();
        match self.spec.concurrency_policy.as_deref() {
            Some("Forbid") if !active.is_empty() => {
                // When that ends, there is another look.
                let message = "Not starting job because prior execution is running and \
                               concurrency policy is Forbid";
                self.tell_once(false, "JobAlreadyActive", message.to_owned());
            }
            Some("Replace") => {
                let is_active =
                    |job: &&&Object| active.iter().any(|one| one.uid.as_deref() == Some(job.uid()));
                let deletions = self.children.iter().filter(is_active).map(|job| delete(job));
                self.reaction.actions.extend(deletions);
                self.status.active = None;
                self.start(due, &zone);
            }
            _ => self.start(due, &zone),
        }
    }

    /// Kubernetes does not spread macros, as the product does before it sends five fields.
    fn schedule(&self) -> Option<(Schedule, TimeZone)> {
        let text = match self.spec.schedule.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            text => text,
        };
        let zone = time_zone(self.spec.time_zone.as_deref().unwrap_or("Etc/UTC")).ok()?;
        Some((Schedule::parse(text, "", "").ok()?, zone))
    }

    /// The latest tick that has come and was not kept, unless it is too late for it. Of several
    /// that were missed only the last one counts.
    fn due(&self, schedule: &Schedule, zone: &TimeZone) -> Option<Timestamp> {
        let now = self.view.now;
        let kept = self.status.last_schedule_time.as_ref().map(|time| time.0);
        let kept = kept.unwrap_or_else(|| self.cronjob.created_at());
        let deadline = self.spec.starting_deadline_seconds.map(SignedDuration::from_secs);
        let earliest = deadline.and_then(|deadline| now.checked_sub(deadline).ok());
        let mut due = None;
        let mut tick = schedule.next_after(kept.max(earliest.unwrap_or(kept)), zone);
        while let Some(at) = tick.filter(|at| *at <= now) {
            due = Some(at);
            tick = schedule.next_after(at, zone);
        }
        due
    }

    fn start(&mut self, due: Timestamp, zone: &TimeZone) {
        let child = self.child(due, zone);
        if self.view.store.get(&child.key()).is_some() {
            // It was made before, and its own end was not noted.
            self.status.last_schedule_time = Some(Time(due));
            return;
        }
        let name = child.name().to_owned();
        match admission::admit(self.view.store, child) {
            Ok(child) => {
                self.status.active.get_or_insert_default().push(reference(&child));
                self.status.last_schedule_time = Some(Time(due));
                self.reaction.actions.push(Action::Create(Box::new(child)));
                self.tell(false, "SuccessfulCreate", format!("Created job {name}"));
            }
            Err(forbidden) => {
                self.tell(true, "FailedCreate", format!("Error creating job: {forbidden}"));
                self.reaction.again = Again::Failed { pause_max: REFUSED_PAUSE_MAX };
            }
        }
    }

    fn child(&self, due: Timestamp, zone: &TimeZone) -> Object {
        let template = self.spec.job_template.metadata.clone().unwrap_or_default();
        let owner = OwnerReference {
            api_version: Kind::CronJob.api_version().to_owned(),
            kind: Kind::CronJob.name().to_owned(),
            name: self.cronjob.name().to_owned(),
            uid: self.cronjob.uid().to_owned(),
            controller: Some(true),
            block_owner_deletion: Some(true),
        };
        let mut annotations = template.annotations.unwrap_or_default();
        let local = due.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        annotations.insert(SCHEDULED_AT.to_owned(), local);
        let mut child = Object::make(Kind::Job, json!({"spec": self.spec.job_template.spec}));
        let key = Key::new(Kind::Job, self.cronjob.namespace(), &child_name(self.cronjob, due));
        child.metadata = ObjectMeta {
            uid: Some(self.view.store.uid_for(&key)),
            name: Some(key.name),
            namespace: Some(key.namespace),
            labels: template.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        };
        child
    }

    fn tell(&mut self, is_warning: bool, reason: &'static str, message: String) {
        let about = reference(self.cronjob);
        let note = Note { about, is_warning, reason, message, source: SOURCE };
        self.reaction.actions.push(Action::Tell(note));
    }

    /// What stays true is not told again with every look.
    fn tell_once(&mut self, is_warning: bool, reason: &'static str, message: String) {
        let is_this = |event: &Object| {
            let field = |name: &str| event.content.get(name).and_then(|value| value.as_str());
            let about = event.content.get("involvedObject").and_then(|about| about.get("uid"));
            field("reason") == Some(reason)
                && field("message") == Some(&message)
                && about.and_then(|uid| uid.as_str()) == Some(self.cronjob.uid())
        };
        let mut events = self.view.store.list(Kind::Event, Some(self.cronjob.namespace()));
        if !events.any(|event| is_this(event)) {
            self.tell(is_warning, reason, message);
        }
    }

    fn finish(mut self, old: &CronJobStatus) -> Reaction {
        if self.status != *old {
            let changed = self.cronjob.clone().with_status(&self.status);
            self.reaction.actions.insert(0, Action::Update(Box::new(changed)));
        }
        self.reaction
    }
}

/// With the minutes since 1970, as Kubernetes names it.
fn child_name(cronjob: &Object, due: Timestamp) -> String {
    format!("{}-{}", cronjob.name(), due.as_second() / 60)
}

fn delete(job: &Object) -> Action {
    let deletion = Deletion {
        propagation: Some(Propagation::Background),
        uid: Some(job.uid().to_owned()),
        grace_seconds: None,
    };
    Action::Delete(job.key(), deletion)
}

#[cfg(test)]
mod tests;
