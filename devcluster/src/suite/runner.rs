//! Runs scenarios, many at once.
//!
//! Not the standard harness: that one runs as many tests as there are processors, while these wait
//! for a cluster; and it knows neither of one service for all, nor of tests that must be alone, nor
//! of tidying up.

use std::{io::Write, panic, process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    task::{JoinError, JoinSet},
    time::{Instant, timeout},
};

use super::{Cluster, Needs, Place, Play, Scenario, World, installed};
use crate::{Machine, Programs, Service, secrets};

/// Scenarios at once on a real cluster; a node has room for the pods of many more, two processors
/// have not.
const AT_ONCE_MAX: usize = 6;
/// The same on the embedded one, where most of a scenario is waiting.
const AT_ONCE_EMBEDDED_MAX: usize = 9;
/// No scenario takes longer; the longest waits for two ticks of a schedule.
const SCENARIO_TIME_MAX: Duration = Duration::from_secs(300);
/// A measurement may wait until all that is kept for a while has gone.
const MEASUREMENT_TIME_MAX: Duration = Duration::from_secs(30 * 60);
/// For the last homes and namespaces to go.
const TIDY_TIME_MAX: Duration = Duration::from_secs(90);

/// What is looked at whichever scenarios were played, when all have ended.
const SECRETS: &str = "secrets::nothing_that_was_written_tells_a_key_or_what_a_user_sent";

tokio::task_local! {
    static PLAYING: &'static str;
}

/// Runs the scenarios whose names contain one of `words`, or all when there is none. `--list` tells
/// the names.
pub fn run(
    place: Place,
    scenarios: Vec<Scenario>,
    words: impl IntoIterator<Item = String>,
) -> ExitCode {
    let words: Vec<_> = words.into_iter().collect();
    let (options, filters): (Vec<_>, Vec<_>) =
        words.into_iter().partition(|word| word.starts_with('-'));
    let is_wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    let wanted: Vec<_> = scenarios.into_iter().filter(|one| is_wanted(one.name)).collect();
    match options.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {}
        ["--list"] => {
            wanted.iter().for_each(|scenario| say(&format!("{}: test", scenario.name)));
            return ExitCode::SUCCESS;
        }
        _ => {
            say(&format!("unknown: {}; known: --list, and parts of names", options.join(" ")));
            return ExitCode::from(2);
        }
    }
    panic::set_hook(Box::new(|panic| {
        let name = PLAYING.try_with(|name| *name).unwrap_or("the suite");
        say(&format!("\n{name}: {panic}\n"));
    }));
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    match runtime.block_on(run_all(place, wanted)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("error: {why}"));
            ExitCode::FAILURE
        }
    }
}

/// Scenarios side by side. Those that disturb the whole cluster have one each, or are played one
/// after the other at the end. False when one failed.
async fn run_all(place: Place, scenarios: Vec<Scenario>) -> Result<bool, String> {
    secrets::begin();
    let suite = Suite::begin(place).await?;
    say(&format!("running {} tests\n", scenarios.len() + 1));
    let mut played = Vec::new();
    let mut skipped = 0;
    for scenario in scenarios {
        match suite.lacks(scenario.needs) {
            None => played.push(scenario),
            Some(why) => {
                skipped += 1;
                say(&format!("skipped {}: {why}", scenario.name));
            }
        }
    }
    let count = played.len() + 1;
    let (alone, together): (Vec<_>, Vec<_>) =
        played.into_iter().partition(|one| one.needs.is_alone());
    let mut tidying = JoinSet::new();
    let failed = tokio::select! {
        failed = suite.play_all(together, alone, &mut tidying) => failed,
        () = interrupted() => {
            say("interrupted: tidying up");
            Err("interrupted".to_owned())
        }
    };
    let _ = timeout(TIDY_TIME_MAX, tidying.join_all()).await;
    let mut failed = failed?;
    failed.extend(suite.end().await);
    for name in &failed {
        say(&format!("failed: {name}"));
    }
    say(&format!("\ndone in {} s", suite.began.elapsed().as_secs()));
    let (passed, failed) = (count - failed.len(), failed.len());
    say(&format!("{passed} passed, {failed} failed, {skipped} skipped"));
    Ok(failed == 0)
}

/// A person's Ctrl-C, or the end of a CI's patience.
async fn interrupted() {
    let mut terminated = signal(SignalKind::terminate()).expect("signals can be heard");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// Plays one measurement in a world of its own, with nothing beside it.
pub fn measure(place: Place, play: fn(Arc<World>) -> Play) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let scenario = Scenario { name: "measurement", needs: Needs::Nothing, play };
    let measured = runtime.block_on(async {
        let suite = Suite::begin(place).await?;
        let world = suite.world();
        let failed = self::play(&scenario, Arc::clone(&world), MEASUREMENT_TIME_MAX).await;
        world.clear().await;
        Ok::<_, String>(failed.is_none())
    });
    match measured {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            say(&format!("error: {why}"));
            ExitCode::FAILURE
        }
    }
}

struct Suite {
    cluster: Arc<Cluster>,
    service: Arc<Service>,
    programs: Programs,
    began: Instant,
}

impl Suite {
    async fn begin(place: Place) -> Result<Self, String> {
        let launcher = match &place {
            Place::Embedded(program) => Some(program.clone()),
            Place::Named => None,
        };
        let programs = Programs::build(&Machine::read().cargo, launcher).await?;
        Self::on(place, programs).await
    }

    async fn on(place: Place, programs: Programs) -> Result<Self, String> {
        let cluster = Arc::new(Cluster::at(place).await?);
        let service = match cluster.installed() {
            Some(installed) => {
                installed::know_keys(&cluster.admin).await;
                Service::installed(installed).await
            }
            None => Service::start(&programs, &cluster.site).await,
        };
        let service = service.map_err(|error| error.to_string())?;
        Ok(Self { cluster, service: Arc::new(service), programs, began: Instant::now() })
    }

    /// Why a scenario can't be played here.
    fn lacks(&self, needs: Needs) -> Option<String> {
        let machine = Machine::read();
        match needs {
            Needs::RealCluster(why) if !self.cluster.is_real() => Some(why.to_owned()),
            Needs::Embedded(why) | Needs::EmbeddedAlone(why) if self.cluster.is_real() => {
                Some(why.to_owned())
            }
            Needs::Faults if !self.cluster.can_fail() => {
                Some("TJF_CLUSTER_COMMAND is not set".to_owned())
            }
            Needs::NoOther if self.cluster.is_real() => {
                Some("it brings its own cluster".to_owned())
            }
            Needs::Users if !rustix::process::geteuid().is_root() => {
                Some("only root can give each tool a user of its own".to_owned())
            }
            Needs::Installed | Needs::Replicas if self.cluster.installed().is_none() => {
                Some("TJF_CLUSTER_SERVICE is not set".to_owned())
            }
            Needs::Replicas
                if self.cluster.installed().is_some_and(|it| it.other_image.is_none()) =>
            {
                Some("TJF_CLUSTER_SERVICE_OTHER is not set".to_owned())
            }
            Needs::OwnDoor | Needs::Replicas
                if self.cluster.installed().is_some_and(|it| it.is_behind_proxy) =>
            {
                Some("a proxy in front of the service answers this".to_owned())
            }
            Needs::Proxy if !self.cluster.installed().is_some_and(|it| it.is_behind_proxy) => {
                Some("no proxy is in front of the service".to_owned())
            }
            Needs::Program(name) if !machine.has(name) && !machine.must_be_complete => {
                Some(format!("there is no {name} here"))
            }
            Needs::Fetched(names) if !names.iter().all(|name| machine.has(name)) => {
                let missing: Vec<_> =
                    names.iter().copied().filter(|name| !machine.has(name)).collect();
                Some(format!("not fetched: {}", missing.join(", ")))
            }
            Needs::Nothing
            | Needs::Faults
            | Needs::NoOther
            | Needs::Users
            | Needs::Installed
            | Needs::Replicas
            | Needs::OwnDoor
            | Needs::Proxy
            | Needs::Program(_)
            | Needs::Fetched(_)
            | Needs::RealCluster(_)
            | Needs::Embedded(_)
            | Needs::EmbeddedAlone(_) => None,
        }
    }

    async fn play_all(
        &self,
        together: Vec<Scenario>,
        alone: Vec<Scenario>,
        tidying: &mut JoinSet<()>,
    ) -> Result<Vec<&'static str>, String> {
        let at_once = if self.cluster.is_real() { AT_ONCE_MAX } else { AT_ONCE_EMBEDDED_MAX };
        let room = Arc::new(Semaphore::new(at_once));
        let apart = self.clusters_for(&alone).await?;
        let (with_own, alone) =
            if apart.is_empty() { (Vec::new(), alone) } else { (alone, Vec::new()) };
        let with_own = with_own.into_iter().zip(apart.iter().map(Self::world));
        let together = together.into_iter().map(|scenario| (scenario, self.world()));
        let mut playing = JoinSet::new();
        for (scenario, world) in with_own.chain(together) {
            let room = Arc::clone(&room);
            // Dropped with the scenario, also when the suite is interrupted: what tidies up
            // outlives both.
            let tidier = tidier(Arc::clone(&world), tidying);
            playing.spawn(async move {
                let _room = room.acquire_owned().await;
                let outcome = play(&scenario, world, SCENARIO_TIME_MAX).await;
                drop(tidier);
                outcome
            });
        }
        let mut failed = Vec::new();
        while let Some(outcome) = playing.join_next().await {
            failed.extend(outcome.map_err(|error| error.to_string())?);
        }
        for scenario in alone {
            let world = self.world();
            let _tidier = tidier(Arc::clone(&world), tidying);
            failed.extend(play(&scenario, world, SCENARIO_TIME_MAX).await);
        }
        for suite in apart {
            suite.service.close().await;
        }
        Ok(failed)
    }

    /// A cluster for each of these scenarios, each of which would disturb all others, so that nobody
    /// has to wait for them. None where there is but one cluster.
    async fn clusters_for(&self, scenarios: &[Scenario]) -> Result<Vec<Self>, String> {
        let Some(launcher) = &self.programs.launcher else { return Ok(Vec::new()) };
        let clusters = scenarios
            .iter()
            .map(|_| Self::on(Place::Embedded(launcher.clone()), self.programs.clone()));
        futures_util::future::try_join_all(clusters).await
    }

    /// Reads what is left to read, and gives the name of the last test when a secret was written.
    async fn end(&self) -> Option<&'static str> {
        if self.cluster.installed().is_some() {
            let count = installed::search_logs(&self.cluster.admin).await;
            say(&format!("read {count} lines of the installed service's log"));
        }
        self.service.close().await;
        let account = secrets::account()?;
        say(&account.searched);
        let is_good = account.found.is_empty();
        say(&format!("{} {SECRETS}", if is_good { "ok     " } else { "FAILED " }));
        account.found.iter().for_each(|found| say(found));
        (!is_good).then_some(SECRETS)
    }

    fn world(&self) -> Arc<World> {
        let (cluster, service) = (Arc::clone(&self.cluster), Arc::clone(&self.service));
        Arc::new(World::new(cluster, service, self.programs.clone()))
    }
}

/// Takes away what a world has made as soon as the value is dropped.
fn tidier(world: Arc<World>, tidying: &mut JoinSet<()>) -> tokio::sync::oneshot::Sender<()> {
    let (tidier, dropped) = tokio::sync::oneshot::channel();
    tidying.spawn(async move {
        let _ = dropped.await;
        world.clear().await;
    });
    tidier
}

/// Plays one scenario, tells how it went, and gives its name when it failed.
async fn play(scenario: &Scenario, world: Arc<World>, time_max: Duration) -> Option<&'static str> {
    let began = Instant::now();
    let outcome = play_to_its_end(scenario, &world, time_max).await;
    let seconds = began.elapsed().as_secs_f32();
    let Err(why) = outcome else {
        say(&format!("ok      {} ({seconds:.1} s)", scenario.name));
        return None;
    };
    let report = world.report().await;
    say(&format!("FAILED  {} ({seconds:.1} s){why}\n{report}", scenario.name));
    Some(scenario.name)
}

async fn play_to_its_end(
    scenario: &Scenario,
    world: &Arc<World>,
    time_max: Duration,
) -> Result<(), String> {
    // A task of its own, so that its panic ends nothing else.
    let mut task = JoinSet::new();
    task.spawn(PLAYING.scope(scenario.name, (scenario.play)(Arc::clone(world))));
    match timeout(time_max, task.join_next()).await {
        Ok(Some(outcome)) => outcome.map_err(|error: JoinError| {
            // The hook has told of the panic.
            if error.is_panic() { String::new() } else { format!(": {error}") }
        }),
        Ok(None) => Ok(()),
        Err(_) => Err(format!(": not done after {time_max:?}")),
    }
}

/// Tells whoever runs the suite. One write, so that lines of scenarios at once do not mix. Nobody is left to tell when it fails.
pub fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(format!("{text}\n").as_bytes());
}
