//! What callers notice when the service's pods come and go: nothing, as far as that can be.
//!
//! Both scenarios ask the service inside the cluster through its Service, 50 times a second: every
//! kind of request, half of them over kept connections and half over new ones. The pace is fixed, so
//! that what stands still shows, and each answer is compared with what was done before.

mod judge;
mod ledger;
mod load;
mod replicas;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::join;
use serde_json::json;
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Needs, Tool, World, eventually, say};

use self::{
    judge::{Failures, Judge},
    ledger::Ledger,
    load::{Kind, Load, Record},
    replicas::{Death, Replicas},
};
use super::{keys::keyed, one_off, scenarios, with};

scenarios![
    no_request_fails_while_the_deployment_rolls: Needs::Replicas,
    a_killed_replica_fails_only_what_it_had_in_flight: Needs::Replicas,
];

/// How long there is load, at least.
const ROLL_TIME: Duration = Duration::from_secs(60);
const KILL_TIME: Duration = Duration::from_secs(30);
/// Requests before something happens, and between two things: five seconds.
const CALM: usize = 250;
/// Runs at once by each tool from each address that reaches the replica which is about to die.
const BURST: usize = 2;
/// How long a dead replica may be among the endpoints: the kubelet has to notice, the API server to
/// be told, and each node to follow.
const ENDPOINT_TIME_MAX: Duration = Duration::from_secs(10);
/// In which a client may not have heard yet that a connection is dead.
const NEWS_TIME_MAX: Duration = Duration::from_millis(100);
/// For the last jobs of a load to end.
const END_TIME_MAX: Duration = Duration::from_secs(120);
/// A job of each tool that is there from the beginning to the end.
const STANDING: &str = "standing";

/// Everything that the two have in common.
struct Scene {
    replicas: Replicas,
    tools: Vec<Tool>,
    ledgers: Vec<Ledger>,
    standing: Vec<JobView>,
    /// Addresses of this machine, and the replica that each of them reaches.
    sources: BTreeMap<IpAddr, String>,
}

impl Scene {
    async fn set(world: &World) -> Self {
        let replicas = Replicas::of(world);
        assert_eq!(replicas.settled().await.len(), 2, "devcluster/in-cluster has two replicas");
        let (mut tools, mut ledgers, mut standing) = (Vec::new(), Vec::new(), Vec::new());
        for purpose in ["load-a", "load-b", "load-c", "load-d"] {
            let tool = world.tool(purpose).await;
            ledgers.push(Ledger::of(&tool).await);
            let job = with(one_off(STANDING, "true"), &json!({"schedule": "0 0 1 1 *"}));
            standing.push(tool.run(job).await);
            tools.push(tool);
        }
        let sources = replicas.sources(&tools[0]).await;
        Self { replicas, tools, ledgers, standing, sources }
    }

    fn load(&self) -> Load {
        let sources: Vec<_> = self.sources.keys().copied().collect();
        Load::of(&self.tools, &sources)
    }

    /// Until the death each request was answered by the replica that its address reaches, so that
    /// those which failed were the dead one's; and the other one answered none of them.
    async fn assert_failures_are_of(&self, death: &Death, records: &[Record]) {
        let answered = self.replicas.answered().await;
        for record in records {
            let replica = answered.get(&record.id);
            if record.outcome.is_err() {
                assert_eq!(self.sources[&record.source], death.replica, "{record:#?}");
                assert!(replica.is_none_or(|it| *it == death.replica), "answered: {record:#?}");
            } else if record.ended < death.killed {
                assert_eq!(replica, Some(&self.sources[&record.source]), "{record:#?}");
            }
        }
    }

    /// Everything that must hold in the end, whatever has failed: each job that was asked for is
    /// there once, ran once, and is there no more when its deletion was answered.
    async fn assert_no_job_is_lost_or_doubled(&self, records: &[Record]) {
        let unsettled = records.iter().filter(|it| it.kind == Kind::Run && it.outcome.is_err());
        for record in unsettled {
            let (tool, name) = (&self.tools[record.tool], record.job.as_deref().unwrap());
            let before = self.ledgers[record.tool].uids(name);
            let call = keyed(&load::job(name), &record.id);
            let job: JobView = tool.send(call).await.expect(201);
            assert!(before.iter().all(|uid| *uid == job.uid), "{name}: {before:?}, {job:?}");
        }
        for (number, tool) in self.tools.iter().enumerate() {
            // What came before the last object is in the ledger when the last one is.
            tool.run(one_off("last", "true")).await;
            self.ledgers[number].until_seen("last").await;
            let jobs = eventually("the end of all jobs", END_TIME_MAX, async || {
                let mut jobs = tool.list().await;
                jobs.retain(|job| !["last", STANDING].contains(&job.name.as_str()));
                let is_final = |job: &JobView| job.status.phase.is_final();
                if jobs.iter().all(is_final) { Ok(jobs) } else { Err(jobs.len()) }
            })
            .await;
            let of_tool = records.iter().filter(|record| record.tool == number);
            judge::assert_jobs(tool, &self.ledgers[number], of_tool, &jobs).await;
        }
    }
}

async fn no_request_fails_while_the_deployment_rolls(world: Arc<World>) {
    let other = world.cluster.installed().unwrap().other_image.clone().unwrap();
    let scene = Scene::set(&world).await;
    let replicas = &scene.replicas;
    let image = replicas.image().await;
    assert_ne!(image, other, "TJF_CLUSTER_SERVICE_OTHER is what is installed");
    let load = scene.load();
    let reader = world.tool("reader").await;
    let rolling = async {
        let mut seen = Vec::new();
        for image in [&other, &image] {
            load.sent(CALM).await;
            seen.push(replicas.uids().await);
            replicas.roll_to(image).await;
        }
        seen.push(replicas.uids().await);
        load.sent(CALM).await;
        tokio::fs::write(reader.home.join("go"), "").await.unwrap();
        seen
    };
    let rolled = load.run(ROLL_TIME, rolling);
    let ((seen, records), ()) = join(rolled, read_and_wait(&reader)).await;

    let summary = judge::summary(&records);
    say(&format!("{image} to {other} and back: {summary}"));
    for rolled in seen.windows(2) {
        assert!(rolled[0].is_disjoint(&rolled[1]), "a pod has stayed: {seen:?}");
        assert_eq!((rolled[0].len(), rolled[1].len()), (2, 2), "{seen:?}");
    }
    load.assert_on_schedule(&records, ROLL_TIME);
    let first = records.iter().find(|record| record.outcome.is_err());
    assert!(first.is_none(), "{summary}; the first that failed: {first:#?}");
    Judge::of(&records, &scene.standing).assert_all_true();
    scene.assert_no_job_is_lost_or_doubled(&records).await;
}

/// Somebody reads what a job writes, and somebody waits for its end, all the while; neither notices.
async fn read_and_wait(tool: &Tool) {
    let cmd = "i=0; until [ -e go ]; do echo line $i; i=$((i + 1)); sleep 0.1; done; exit 7";
    let words = ["run", cmd, "--name", "told", "--type", "tf-busybox", "--follow"];
    let waiting = async {
        eventually("the job", END_TIME_MAX, async || {
            let jobs = tool.list().await;
            if jobs.is_empty() { Err("none") } else { Ok(()) }
        })
        .await;
        tool.command(&["wait", "told"]).await
    };
    let (read, waited) = join(tool.command(&words), waiting).await;
    assert_eq!((waited.code, waited.stdout.as_str()), (7, "told Failed\n"), "{waited:?}");
    let written = tool.read("told.out").await;
    assert!(written.lines().count() > CALM, "{} lines", written.lines().count());
    assert_eq!(read.code, 7, "{}", read.stderr);
    assert!(read.stdout == written, "{} of {} bytes", read.stdout.len(), written.len());
}

async fn a_killed_replica_fails_only_what_it_had_in_flight(world: Arc<World>) {
    let scene = Scene::set(&world).await;
    let replicas = &scene.replicas;
    let load = scene.load();
    let killing = async {
        let victim = replicas.victim().await;
        let asks_it = |(_, replica): &(_, &String)| **replica == victim.replica;
        let sources: Vec<_> = scene.sources.iter().filter(asks_it).map(|(it, _)| *it).collect();
        load.sent(CALM).await;
        // The first answer tells that the others are under way, each at another place.
        let mut runs = load.runs_at_once(&sources, BURST);
        let first = runs.join_next().await.unwrap().unwrap();
        let death = replicas.kill(victim).await;
        let mut runs = runs.join_all().await;
        runs.push(first);
        load.sent(CALM).await;
        (death, runs)
    };
    let ((death, runs), mut records) = load.run(KILL_TIME, killing).await;
    load.assert_on_schedule(&records, KILL_TIME);
    records.extend(runs);

    let Failures { lost, refused } = Failures::of(&records);
    let last = refused.iter().map(|record| record.ended).max().unwrap_or(death.killed);
    say(&format!(
        "one of two replicas killed: {}; {} were in flight, {} were refused in the {:.1?} until \
         the endpoints had followed",
        judge::summary(&records),
        lost.len(),
        refused.len(),
        last - death.killed,
    ));
    assert!(!lost.is_empty(), "nothing was in flight when it died");
    for record in lost {
        let in_time = record.sent <= death.gone + NEWS_TIME_MAX && record.ended >= death.killed;
        assert!(in_time, "it was not in flight: {record:#?}\n{death:#?}");
    }
    // Until its endpoints have followed, the Service leads new connections to where nobody listens.
    // Nothing of these was sent, so whoever is refused may ask again.
    for record in refused {
        let in_time =
            record.ended >= death.killed && record.ended - death.killed <= ENDPOINT_TIME_MAX;
        assert!(in_time, "nobody died then: {record:#?}\n{death:#?}");
    }
    scene.assert_failures_are_of(&death, &records).await;
    Judge::of(&records, &scene.standing).assert_all_true();
    scene.assert_no_job_is_lost_or_doubled(&records).await;
}
