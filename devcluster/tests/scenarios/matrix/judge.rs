//! Whether an answer is true.

use std::{collections::BTreeMap, fmt::Debug};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        batch::v1::{CronJob, Job},
        core::v1::{Pod, ReplicationController, Service},
    },
};
use kube::{Resource, ResourceExt, api::ListParams};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tjf_devcluster::suite::{Answer, Tool};

use super::{Asked, JOB, RUNS};

/// What there is of a tool's jobs.
#[derive(Debug, PartialEq)]
pub(super) struct Seen {
    /// The uids of all objects that are not going, by kind and name.
    objects: BTreeMap<String, String>,
    /// Those that are going.
    going: Vec<String>,
    /// How often the job's command began.
    pub(super) runs: usize,
}

impl Seen {
    /// Looks, as the administrator of the cluster and the owner of the home.
    pub(super) async fn of(tool: &Tool) -> Self {
        let mut seen = Self { objects: BTreeMap::new(), going: Vec::new(), runs: 0 };
        seen.take::<Job>(tool).await;
        seen.take::<CronJob>(tool).await;
        seen.take::<ReplicationController>(tool).await;
        seen.take::<Pod>(tool).await;
        seen.take::<Service>(tool).await;
        seen.runs = tool.read(RUNS).await.lines().count();
        seen
    }

    async fn take<K>(&mut self, tool: &Tool)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + DeserializeOwned + Debug,
    {
        for object in tool.api::<K>().list(&ListParams::default()).await.unwrap() {
            let name = format!("{} {}", K::kind(&()), object.name_any());
            if object.meta().deletion_timestamp.is_some() {
                self.going.push(name);
            } else {
                self.objects.insert(name, object.uid().unwrap_or_default());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.going.is_empty()
    }

    /// The uids of objects that have the job's name, of whatever kind.
    fn of_the_job(&self) -> Vec<&str> {
        let named = self.objects.iter().filter(|(name, _)| {
            name.split_once(' ').is_some_and(|(kind, name)| is_of_jobs(kind) && name == JOB)
        });
        named.map(|(_, uid)| uid.as_str()).collect()
    }

    /// The uids of all pods that are not going.
    fn pods(&self) -> impl Iterator<Item = &str> {
        let pods = self.objects.iter().filter(|(name, _)| name.starts_with("Pod "));
        pods.map(|(_, uid)| uid.as_str())
    }

    /// The uids of all objects that are jobs of their own.
    fn of_jobs(&self) -> Vec<&str> {
        let jobs = self.objects.iter().filter(|(name, _)| {
            name.split_once(' ')
                .is_some_and(|(kind, name)| is_of_jobs(kind) && !name.ends_with("-child"))
        });
        jobs.map(|(_, uid)| uid.as_str()).collect()
    }

    fn has_service(&self) -> bool {
        self.objects.contains_key(&format!("Service {JOB}"))
    }
}

/// Whether an object of this kind can be a job.
fn is_of_jobs(kind: &str) -> bool {
    !matches!(kind, "Pod" | "Service")
}

/// What an answer says that something went wrong for.
pub(super) fn first(asked: &Asked, answer: &Answer, before: &Seen, after: &Seen) -> Vec<String> {
    let problem = match (asked, answer.status) {
        (Asked::Run(job), 201) => created(answer, after).or_else(|| served(job, after)),
        (Asked::Restart, 200) => restarted(answer, before, after),
        (Asked::Show | Asked::List, 200) => looked(asked, answer, before),
        (Asked::Delete | Asked::Flush, 200) if after.is_empty() => None,
        (Asked::Delete | Asked::Flush, 200) => Some(format!("still there: {after:?}")),
        // A look changes nothing.
        (Asked::Show | Asked::List, 503 | 504) => None,
        (Asked::Run(_), 503) => {
            let has_new = after.of_the_job().iter().any(|uid| !before.of_the_job().contains(uid));
            (has_new || after.runs != before.runs).then(|| format!("it was created: {after:?}"))
        }
        (Asked::Delete | Asked::Flush | Asked::Restart, 503) => {
            (after != before).then(|| format!("it was begun: {after:?}"))
        }
        (_, 504) => {
            let is_told = answer.text().contains("not known");
            (!is_told).then(|| "it does not say that the outcome is not known".to_owned())
        }
        _ => Some("not to be expected".to_owned()),
    };
    problem.into_iter().map(|what| told(answer, &what)).collect()
}

/// What the same request comes to afterwards.
pub(super) fn again(asked: &Asked, [first, again]: [&Answer; 2], after: &Seen) -> Vec<String> {
    let problem = match (asked, again.status) {
        (Asked::Run(_), 201) if first.status == 201 && uid(first) != uid(again) => {
            Some("another job than before".to_owned())
        }
        (Asked::Run(job), 201) => created(again, after).or_else(|| served(job, after)),
        (Asked::Restart, 200) => created(again, after),
        (Asked::Show | Asked::List, 200) => looked(asked, again, after),
        (Asked::Delete, 200 | 404) | (Asked::Flush, 200) if after.is_empty() => None,
        (Asked::Delete, 200 | 404) | (Asked::Flush, 200) => Some(format!("still there: {after:?}")),
        _ => Some("not to be expected".to_owned()),
    };
    problem.into_iter().map(|what| told(again, &what)).collect()
}

/// One object has the name, and it is the one that is answered.
fn created(answer: &Answer, after: &Seen) -> Option<String> {
    let uid = uid(answer);
    (after.of_the_job() != [uid.as_str()])
        .then(|| format!("answered {uid}, but there is {after:?}"))
}

/// A job that has a port has its Service, and no other has one.
fn served(job: &Value, after: &Seen) -> Option<String> {
    (after.has_service() != job.get("port").is_some()).then(|| format!("its Service: {after:?}"))
}

/// The same object, of which nothing is at work that was before. What was never at work twice is
/// told by the job itself.
fn restarted(answer: &Answer, before: &Seen, after: &Seen) -> Option<String> {
    let old: Vec<_> = before.pods().filter(|uid| after.pods().any(|it| it == *uid)).collect();
    let is_old = (!old.is_empty()).then(|| format!("an old pod is there: {after:?}"));
    created(answer, after).or(is_old)
}

fn looked(asked: &Asked, answer: &Answer, before: &Seen) -> Option<String> {
    let (mut told, mut there) = match asked {
        Asked::List => {
            let jobs: Vec<Value> = serde_json::from_slice(&answer.body).unwrap_or_default();
            (jobs.iter().map(uid_of).collect(), before.of_jobs())
        }
        Asked::Run(_) | Asked::Show | Asked::Delete | Asked::Flush | Asked::Restart => {
            (vec![uid(answer)], before.of_the_job())
        }
    };
    told.sort_unstable();
    there.sort_unstable();
    (told != there).then(|| format!("told {told:?} of {there:?}"))
}

fn uid(answer: &Answer) -> String {
    uid_of(&serde_json::from_slice(&answer.body).unwrap_or_default())
}

fn uid_of(job: &Value) -> String {
    job["uid"].as_str().unwrap_or_default().to_owned()
}

fn told(answer: &Answer, what: &str) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let detail = body["detail"].as_str().unwrap_or_default();
    format!("{} {what} {detail:?}", answer.status)
}
