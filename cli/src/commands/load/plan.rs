//! What a file asks for, beside what there is.

use std::collections::BTreeMap;

use tjf_api_types::{JobType, JobView, ObjectName};
use tokio::time::Instant;

use super::super::{ASKS, Context, SOON};
use crate::{
    client::ClientError,
    definition::{Definition, Side},
    error::Error,
    exit::Exit,
    jobs_file::Entry,
    nearest,
};

/// All that there is to do.
pub(super) struct Plan<'a> {
    /// The file's jobs, in its order.
    pub(super) steps: Vec<Step<'a>>,
    /// What the file does not name, when that is to go.
    pub(super) surplus: Vec<JobView>,
}

/// One job of the file.
pub(super) struct Step<'a> {
    pub(super) entry: &'a Entry,
    /// What has its name now.
    pub(super) there: Option<JobView>,
    before: Option<Definition>,
    after: Definition,
}

/// What becomes of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Replaced,
    Unchanged,
    Deleted,
}

impl Change {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
        }
    }
}

/// Asks about each job of the file. `None` when some are refused, which is told then, all of them.
pub(super) async fn make<'a>(
    context: &Context,
    entries: &'a [Entry],
    is_surplus_deleted: bool,
) -> Result<Option<Plan<'a>>, Error> {
    let mut there: BTreeMap<String, JobView> = BTreeMap::new();
    for job in context.patiently(ASKS, context.client.list()).await?.value {
        // Of one name in two kinds, which only a crash can leave, the older comes first.
        there.entry(job.name.clone()).or_insert(job);
    }
    let home = context.home();
    let mut is_refused = false;
    let mut steps = Vec::with_capacity(entries.len());
    let mut told_at = Instant::now();
    for (number, entry) in entries.iter().enumerate() {
        let asking = context.client.rehearse(&entry.request);
        let what = format!("checking `{}`, {} of {}", entry.name(), number + 1, entries.len());
        // Many that are quick take long together.
        if told_at.elapsed() >= SOON {
            context.tell_progress(&what);
            told_at = Instant::now();
        }
        match context.patiently(&what, asking).await {
            Ok(answer) => {
                let there = there.remove(entry.name()).filter(|it| it.deleting_since.is_none());
                let before = there.as_ref().map(|job| Definition::of(job, home));
                let after = Definition::of(&answer.value, home);
                steps.push(Step { entry, there, before, after });
            }
            Err(error) if is_about_entry(&error) => {
                is_refused = true;
                let detail = format!("line {}, `{}`: {error}", entry.line, entry.name());
                let container = &entry.request.imagename;
                let hint = nearest::hint_for_container(&context.client, container, &error).await;
                context.printer.complain(&detail, hint.as_deref(), error.request_id());
            }
            Err(error) => return Err(error.into()),
        }
    }
    let surplus = there.into_values().filter(|job| job.deleting_since.is_none());
    let surplus = if is_surplus_deleted { surplus.collect() } else { Vec::new() };
    Ok((!is_refused).then_some(Plan { steps, surplus }))
}

/// Whether the service does not want this very job, so that it may want others.
fn is_about_entry(error: &ClientError) -> bool {
    Exit::from(error) == Exit::Refused && error.refusal().is_some_and(|it| it.status != 401)
}

impl Plan<'_> {
    /// What becomes of each job.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, Change)> {
        let steps = self.steps.iter().map(|step| (step.entry.name(), step.change()));
        steps.chain(self.surplus.iter().map(|job| (job.name.as_str(), Change::Deleted)))
    }

    /// The lines of a job's definition, those of now and those of the file.
    pub(super) fn difference(&self, name: &str, home: Option<&str>) -> Vec<(Side, String)> {
        let all = |definition: &Definition, side: Side| {
            definition.lines().map(|line| (side, line.to_owned())).collect()
        };
        if let Some(job) = self.surplus.iter().find(|job| job.name == name) {
            return all(&Definition::of(job, home), Side::Before);
        }
        let Some(step) = self.steps.iter().find(|step| step.entry.name() == name) else {
            return Vec::new();
        };
        match &step.before {
            None => all(&step.after, Side::After),
            Some(before) => before
                .difference(&step.after)
                .into_iter()
                .map(|(side, line)| (side, line.to_owned()))
                .collect(),
        }
    }
}

impl Step<'_> {
    pub(super) fn change(&self) -> Change {
        match &self.before {
            None => Change::Created,
            Some(before) if before.is_same(&self.after) => Change::Unchanged,
            Some(_) => Change::Replaced,
        }
    }

    /// What has to be deleted before the new job can come. A one-off that has ended gives up its
    /// name by itself, once the new job is sure to come.
    pub(super) fn in_the_way(&self) -> Option<(&JobView, ObjectName)> {
        let job = self.there.as_ref()?;
        let gives_way = job.job_type == JobType::OneOff && job.status.phase.is_final();
        let name = job.name.parse().ok()?;
        (!gives_way).then_some((job, name))
    }
}
