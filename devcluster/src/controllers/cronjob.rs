//! Starts Jobs when their time has come.
//!
//! A child is created in one reaction and noted in the status in the next, when it has a uid; until
//! then its name says which tick it is of. So no tick has two children, whatever comes between.

mod calendar;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        batch::v1::{CronJobSpec, CronJobStatus, JobStatus},
        core::v1::ObjectReference,
    },
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time},
};
use serde_json::{Map, Value};

use self::calendar::Calendar;
use super::{
    Action, Again, Note, REFUSED_PAUSE_MAX, Reaction, View, delete, job::ended, owner_reference,
    reference,
};
use crate::{
    admission,
    kind::Kind,
    object::{Key, Object},
};

/// Tells a child's tick.
const SCHEDULED_AT: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// What is to be done about a CronJob.
pub(super) fn reconcile(view: View<'_>, cronjob: &Object) -> Reaction {
    if cronjob.is_going() {
        return Reaction::default();
    }
    let children = view.store.made_by(cronjob, Kind::Job).map(Child::new).collect();
    Look { view, cronjob, spec: cronjob.spec(), status: cronjob.status(), children }.reaction()
}

/// A Job that a CronJob owns, whoever made it.
struct Child<'a> {
    object: &'a Arc<Object>,
    status: JobStatus,
    /// The kind of the condition that ended it.
    end: Option<String>,
}

impl<'a> Child<'a> {
    fn new(object: &'a Arc<Object>) -> Self {
        let status: JobStatus = object.status();
        let end = ended(&status).map(|condition| condition.type_.clone());
        Self { object, status, end }
    }

    fn has_succeeded(&self) -> bool {
        self.end.as_deref() == Some("Complete")
    }

    /// The tick that its name says it is of.
    fn tick(&self, cronjob: &Object) -> Option<Timestamp> {
        let minutes = self.object.name().strip_prefix(cronjob.name())?.strip_prefix('-')?;
        Timestamp::from_second(minutes.parse::<i64>().ok()?.checked_mul(60)?).ok()
    }
}

/// A CronJob, as it is seen once.
struct Look<'a> {
    view: View<'a>,
    cronjob: &'a Object,
    spec: CronJobSpec,
    status: CronJobStatus,
    children: Vec<Child<'a>>,
}

impl Look<'_> {
    /// One thing at a time: whatever changes the object or a child is a reason to look again.
    fn reaction(&self) -> Reaction {
        let mut status = self.status.clone();
        let mut notes = Vec::new();
        self.note_started(&mut status);
        self.note_ended(&mut status, &mut notes);
        if status != self.status {
            let mut actions = vec![self.updated(&status)];
            actions.extend(notes.into_iter().map(Action::Tell));
            return Reaction { actions, again: Again::Never };
        }
        let outdated = self.outdated();
        if !outdated.is_empty() {
            let actions = outdated.into_iter().flat_map(|child| self.delete(child)).collect();
            return Reaction { actions, again: Again::Never };
        }
        let mut reaction = match Calendar::read(&self.spec) {
            _ if self.spec.suspend == Some(true) => Reaction::default(),
            Ok(calendar) => self.start(&calendar),
            Err((reason, message)) => {
                let since = self.cronjob.created_at();
                let note = self.tell_since(since, self.note(true, reason, message));
                Reaction { actions: note.into_iter().collect(), again: Again::Never }
            }
        };
        reaction.actions.extend(self.unexpected());
        reaction
    }

    /// Takes children into the status that were created since it was written.
    fn note_started(&self, status: &mut CronJobStatus) {
        for child in &self.children {
            let since = self.last_tick(status);
            let tick = child.tick(self.cronjob).filter(|tick| *tick <= self.view.now);
            if let Some(tick) = tick.filter(|tick| *tick > since) {
                status.last_schedule_time = Some(Time(tick));
                status.active.get_or_insert_default().push(reference(child.object));
            }
        }
    }

    /// Takes children out of the status that have ended, or are not there any more.
    fn note_ended(&self, status: &mut CronJobStatus, notes: &mut Vec<Note>) {
        let mut active = status.active.take().unwrap_or_default();
        active.retain(|known| {
            let child = self.child(known);
            let name = known.name.as_deref().unwrap_or_default();
            let (reason, message) = match child.map(|child| &child.end) {
                Some(None) => return true,
                Some(Some(end)) => {
                    ("SawCompletedJob", format!("Saw completed job: {name}, condition: {end}"))
                }
                None => ("MissingJob", format!("Active job went missing: {name}")),
            };
            notes.push(self.note(false, reason, message));
            false
        });
        status.active = Some(active).filter(|active| !active.is_empty());
        let successes = self.children.iter().filter(|child| child.has_succeeded());
        let successes = successes.filter_map(|child| child.status.completion_time.clone());
        status.last_successful_time = successes.chain(status.last_successful_time.take()).max();
    }

    /// What the status calls active, if it is there.
    fn child(&self, known: &ObjectReference) -> Option<&Child<'_>> {
        self.children.iter().find(|child| known.uid.as_deref() == Some(child.object.uid()))
    }

    /// The finished children that are too many, oldest first.
    fn outdated(&self) -> Vec<&Child<'_>> {
        let oldest = |succeeded: bool, kept: Option<i32>| {
            let ended = self.children.iter().filter(|child| child.end.is_some());
            let mut ended: Vec<_> =
                ended.filter(|child| child.has_succeeded() == succeeded).collect();
            ended.sort_by_key(|child| {
                let start = child.status.start_time.as_ref().map(|time| time.0);
                (start.is_none(), start, child.object.name())
            });
            let kept = usize::try_from(kept.unwrap_or_default()).unwrap_or(0);
            ended.truncate(ended.len().saturating_sub(kept));
            ended.retain(|child| !child.object.is_going());
            ended
        };
        let mut outdated = oldest(true, self.spec.successful_jobs_history_limit);
        outdated.extend(oldest(false, self.spec.failed_jobs_history_limit));
        outdated
    }

    /// Children that somebody else made, and that are at work: they are told of once each.
    fn unexpected(&self) -> Vec<Action> {
        let is_known = |child: &&Child<'_>| {
            let mut active = self.status.active.iter().flatten();
            active.any(|known| known.uid.as_deref() == Some(child.object.uid()))
        };
        let at_work = self.children.iter().filter(|child| child.end.is_none());
        let told = at_work.filter(|child| !is_known(child)).filter_map(|child| {
            let name = child.object.name();
            let message = format!("Saw a job that the controller did not create or forgot: {name}");
            let note = self.note(true, "UnexpectedJob", message);
            self.tell_since(child.object.created_at(), note)
        });
        told.collect()
    }

    /// Starts what is due, if it may start.
    fn start(&self, calendar: &Calendar) -> Reaction {
        let again = calendar.next_after(self.view.now).map_or(Again::Never, Again::At);
        let due = calendar.last_between(self.earliest(), self.view.now);
        let name = |tick: Timestamp| format!("{}-{}", self.cronjob.name(), tick.as_second() / 60);
        let is_free = |name: &str| {
            let key = Key::new(Kind::Job, self.cronjob.namespace(), name);
            self.view.store.get(&key).is_none()
        };
        let Some(tick) = due.filter(|tick| is_free(&name(*tick))) else {
            return Reaction { actions: Vec::new(), again };
        };
        let active = self.status.active.as_deref().unwrap_or_default();
        match self.spec.concurrency_policy.as_deref() {
            Some("Forbid") if !active.is_empty() => {
                let message = "Not starting job because prior execution is running and \
                               concurrency policy is Forbid";
                let note = self.note(false, "JobAlreadyActive", message.to_owned());
                let actions = self.tell_since(tick, note).into_iter().collect();
                Reaction { actions, again }
            }
            Some("Replace") if !active.is_empty() => Reaction { actions: self.replace(), again },
            _ => self.create(calendar, tick, name(tick), again),
        }
    }

    /// The tick that was started last, or when there was none to start yet.
    fn last_tick(&self, status: &CronJobStatus) -> Timestamp {
        let last = status.last_schedule_time.as_ref().map(|time| time.0);
        last.unwrap_or_else(|| self.cronjob.created_at())
    }

    /// Before which no tick is made up for.
    fn earliest(&self) -> Timestamp {
        let since = self.last_tick(&self.status);
        let deadline = self.spec.starting_deadline_seconds.map(SignedDuration::from_secs);
        let oldest = deadline.and_then(|deadline| self.view.now.checked_sub(deadline).ok());
        oldest.map_or(since, |oldest| oldest.max(since))
    }

    /// Makes room for the next child, which comes when the status says that there is room.
    fn replace(&self) -> Vec<Action> {
        let status = CronJobStatus { active: None, ..self.status.clone() };
        let mut actions = vec![self.updated(&status)];
        let active = self.status.active.iter().flatten();
        let children = active.filter_map(|known| self.child(known));
        actions.extend(children.flat_map(|child| self.delete(child)));
        actions
    }

    fn create(&self, calendar: &Calendar, tick: Timestamp, name: String, again: Again) -> Reaction {
        let template = &self.spec.job_template;
        let ObjectMeta { labels, annotations, .. } = template.metadata.clone().unwrap_or_default();
        let mut annotations = annotations.unwrap_or_default();
        annotations.insert(SCHEDULED_AT.to_owned(), calendar.shown(tick));
        let message = format!("Created job {name}");
        let metadata = ObjectMeta {
            name: Some(name),
            namespace: self.cronjob.metadata.namespace.clone(),
            labels,
            annotations: Some(annotations),
            owner_references: Some(vec![owner_reference(self.cronjob)]),
            ..ObjectMeta::default()
        };
        let job = Object { kind: Kind::Job, metadata, content: Map::<String, Value>::new() };
        let job = job.with_spec(&template.spec.clone().unwrap_or_default());
        match admission::admit(self.view.store, job) {
            Ok(job) => {
                let note = self.note(false, "SuccessfulCreate", message);
                Reaction { actions: vec![Action::Create(Box::new(job)), Action::Tell(note)], again }
            }
            Err(forbidden) => {
                let message = format!("Error creating job: {forbidden}");
                let note = self.note(true, "FailedCreate", message);
                let again = Again::Failed { pause_max: REFUSED_PAUSE_MAX };
                Reaction { actions: vec![Action::Tell(note)], again }
            }
        }
    }

    fn delete(&self, child: &Child<'_>) -> [Action; 2] {
        let message = format!("Deleted job {}", child.object.name());
        [delete(child.object), Action::Tell(self.note(false, "SuccessfulDelete", message))]
    }

    fn updated(&self, status: &CronJobStatus) -> Action {
        Action::Update(Box::new(self.cronjob.clone().with_status(status)))
    }

    /// Tells something, unless it has been told since. Kubernetes tells it whenever it looks.
    fn tell_since(&self, since: Timestamp, note: Note) -> Option<Action> {
        let says_it = |event: &Object| {
            let last = event.content.get("lastTimestamp").and_then(Value::as_str);
            let last = last.and_then(|time| time.parse::<Timestamp>().ok());
            // Events have whole seconds.
            note.is_said_by(event) && last.is_some_and(|last| last.as_second() >= since.as_second())
        };
        let mut events = self.view.store.list(Kind::Event, Some(self.cronjob.namespace()));
        let is_told = events.any(|event| says_it(event));
        (!is_told).then_some(Action::Tell(note))
    }

    fn note(&self, is_warning: bool, reason: &'static str, message: String) -> Note {
        let about = reference(self.cronjob);
        Note { about, is_warning, reason, message, source: "cronjob-controller" }
    }
}

#[cfg(test)]
mod tests;
