//! Whether answers are true, and no job is lost or doubled.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Answer, Tool};
use tokio::time::Instant;

use super::{
    STANDING,
    ledger::Ledger,
    load::{Failure, Kind, Record},
};

/// A replica remembers what a tool has, and hears a little later what another one has done: the
/// contract allows 30 s. What it has done itself it knows at once, which other scenarios try.
const LAG_MAX: Duration = Duration::from_secs(5);

/// How many requests there were, and how long they took from when they were due.
pub(super) fn summary(records: &[Record]) -> String {
    let mut times: Vec<_> = records.iter().map(|it| it.ended - it.due).collect();
    times.sort_unstable();
    let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100];
    let failed = records.iter().filter(|it| it.outcome.is_err()).count();
    let kept = records.iter().filter(|it| it.is_over_kept).count();
    let count = |kind| records.iter().filter(|it| it.kind == kind).count();
    format!(
        "{} requests, {failed} failed, p50 {:.1?}, p99 {:.1?}, longest {:.1?}; {kept} over kept \
         connections, {} runs, {} deletes",
        records.len(),
        at(50),
        at(99),
        times.last().copied().unwrap_or(Duration::ZERO),
        count(Kind::Run),
        count(Kind::Delete),
    )
}

/// Requests that failed.
pub(super) struct Failures<'a> {
    /// In whatever way, with a connection.
    pub(super) lost: Vec<&'a Record>,
    /// Without one.
    pub(super) refused: Vec<&'a Record>,
}

impl<'a> Failures<'a> {
    pub(super) fn of(records: &'a [Record]) -> Self {
        let failed = records.iter().filter(|record| record.outcome.is_err());
        let (refused, lost) =
            failed.partition(|record| matches!(record.outcome, Err(Failure::Refused)));
        Self { lost, refused }
    }
}

/// When a job came and went, as far as that was answered.
#[derive(Default)]
struct Life {
    run_sent: Option<Instant>,
    run_answered: Option<Instant>,
    delete_sent: Option<Instant>,
    delete_answered: Option<Instant>,
}

/// Compares answers with what had been answered before.
pub(super) struct Judge<'a> {
    records: &'a [Record],
    standing: &'a [JobView],
    lives: BTreeMap<(usize, &'a str), Life>,
}

impl<'a> Judge<'a> {
    pub(super) fn of(records: &'a [Record], standing: &'a [JobView]) -> Self {
        let mut lives = BTreeMap::<_, Life>::new();
        for record in records {
            let Some(job) = &record.job else { continue };
            let life = lives.entry((record.tool, job.as_str())).or_default();
            let answered = record.outcome.is_ok().then_some(record.ended);
            if record.kind == Kind::Run {
                (life.run_sent, life.run_answered) = (Some(record.sent), answered);
            } else {
                (life.delete_sent, life.delete_answered) = (Some(record.sent), answered);
            }
        }
        Self { records, standing, lives }
    }

    /// That every answer is as it has to be; what failed has none.
    pub(super) fn assert_all_true(&self) {
        let mut wrong = Vec::new();
        for record in self.records {
            let Ok(answer) = &record.outcome else { continue };
            if let Err(why) = self.check(record, answer) {
                wrong.push(format!("{why}: {record:#?}"));
            }
        }
        assert!(wrong.is_empty(), "{} wrong answers\n{}", wrong.len(), wrong.join("\n"));
    }

    fn check(&self, record: &Record, answer: &Answer) -> Result<(), String> {
        let expected = if record.kind == Kind::Run { 201 } else { 200 };
        if answer.status != expected {
            return Err(format!("{} {}", answer.status, answer.text()));
        }
        let body: Value = serde_json::from_slice(&answer.body).map_err(|it| it.to_string())?;
        let standing = &self.standing[record.tool];
        let is_true = match record.kind {
            Kind::List => return self.check_list(record, &body),
            Kind::Show => body["name"] == STANDING && body["uid"] == standing.uid,
            Kind::Containers => body[0]["shortname"] == "tf-busybox",
            Kind::Run => record.job.as_deref() == body["name"].as_str(),
            Kind::Delete => body == json!({"deleted": [record.job]}),
        };
        if is_true { Ok(()) } else { Err(body.to_string()) }
    }

    /// What was answered some time before the list was asked for is in it, and what was asked for
    /// after it was answered is not.
    fn check_list(&self, record: &Record, body: &Value) -> Result<(), String> {
        let names: Vec<_> =
            body.as_array().into_iter().flatten().filter_map(|job| job["name"].as_str()).collect();
        let listed: BTreeSet<_> = names.iter().copied().collect();
        if listed.len() != names.len() || !listed.contains(STANDING) {
            return Err(format!("{names:?}"));
        }
        let mut known = BTreeSet::from([STANDING]);
        for ((tool, job), life) in &self.lives {
            if *tool != record.tool {
                continue;
            }
            let is_before =
                |time: Option<Instant>| time.is_some_and(|it| it + LAG_MAX < record.sent);
            let is_after = |time: Option<Instant>| time.is_none_or(|it| it > record.ended);
            if is_before(life.run_answered) && is_after(life.delete_sent) && !listed.contains(job) {
                return Err(format!("{job} is missing in {names:?}"));
            }
            if !is_before(life.delete_answered) && !is_after(life.run_sent) {
                known.insert(job);
            }
        }
        let unknown: Vec<_> = listed.difference(&known).collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("{unknown:?} should not be there")) }
    }
}

/// That each job that was asked for was made once and ran once, and nothing else was made. Those
/// that nobody deleted are `left`, and what failed was asked for again.
pub(super) async fn assert_jobs(
    tool: &Tool,
    ledger: &Ledger,
    records: impl Iterator<Item = &Record>,
    left: &[JobView],
) {
    let mut left: BTreeMap<_, _> = left.iter().map(|job| (job.name.as_str(), job)).collect();
    let (mut runs, mut deletes) = (BTreeMap::new(), BTreeMap::new());
    for record in records {
        let Some(job) = record.job.as_deref() else { continue };
        let of_kind = if record.kind == Kind::Run { &mut runs } else { &mut deletes };
        assert!(of_kind.insert(job, &record.outcome).is_none(), "{job} twice");
    }
    let mut made = ledger.names();
    for (name, run) in runs {
        assert!(made.remove(name), "{name} was answered and never made");
        let uids = ledger.uids(name);
        assert_eq!(uids.len(), 1, "{name} was made more than once: {uids:?}");
        if let Ok(answer) = run {
            let job: JobView = answer.expect(201);
            assert!(uids.contains(&job.uid), "{name} is another: {uids:?} {}", job.uid);
        }
        let output = tool.read(&format!("{name}.out")).await;
        match (left.remove(name), deletes.get(name)) {
            (Some(job), None | Some(Err(_))) => {
                assert_eq!(job.status_short, "Completed", "{name}: {job:?}");
                assert_eq!(output, "ran\n", "{name} did not run once");
            }
            (None, Some(_)) => assert!(["", "ran\n"].contains(&output.as_str()), "{name} {output}"),
            (None, None) => panic!("{name} is lost"),
            (Some(job), Some(Ok(_))) => panic!("{name} was deleted: {job:?}"),
        }
    }
    assert!(left.is_empty(), "nobody asked for {left:?}");
    assert_eq!(made, BTreeSet::from(["last".to_owned()]), "nobody asked for some of these");
}
