//! Whatever goes wrong at whatever moment: no job twice, no wrong outcome, no byte lost or repeated.
//!
//! Lanes of a tool each do one thing after the other with the command, through a road of their own,
//! and at a moment that follows from a seed the service, the road or the API server goes.
//! `TJF_CHAOS_SEED` repeats the moments.

mod deed;

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join;
use rustix::process::Signal;
use tjf_devcluster::{
    Machine, Outage, Service,
    suite::{Needs, Relay, Tool, World, say},
};
use tokio::{sync::Mutex, task::JoinSet, time::sleep};

use self::deed::Deed;
use super::scenarios;

scenarios![at_whatever_moment_something_goes_nothing_is_wrong: Needs::Faults];

/// Random moments on the embedded cluster.
const ROUNDS: usize = 200;
/// On a real one, whose pods take seconds.
const ROUNDS_ON_REAL: usize = 40;
const LANES: usize = 8;
/// By then each deed is done when nothing goes wrong.
const MOMENT_MS_MAX: u64 = 1_500;
/// Shorter than the half minute for which the command asks on.
const FAULT_MS_MAX: u64 = 1_200;

/// Numbers that follow from a seed, by `SplitMix64`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// All connections are closed.
    Cut,
    /// Nobody is there for a while.
    Closed,
    /// Nothing is passed on for a while.
    Stalled,
    /// Answers are cut after so many bytes, for a while.
    Half(u64),
    /// The service is killed, and another started.
    Killed,
    /// The service is told to stop when the next one is there.
    Replaced,
    /// The API server says nothing for a while.
    ApiServerStandsStill,
    /// The API server is away for a while.
    ApiServerKilled,
}

impl Fault {
    /// A real API server that was killed takes ten seconds to come back, refuses everything for a
    /// moment then, and its controllers pause for a minute: scenarios of their own do that there.
    fn by(numbers: &mut Numbers, is_real: bool) -> Self {
        match numbers.below(if is_real { 7 } else { 8 }) {
            0 => Self::Cut,
            1 => Self::Closed,
            2 => Self::Stalled,
            3 => Self::Half(numbers.below(6_000)),
            4 => Self::Killed,
            5 => Self::Replaced,
            6 => Self::ApiServerStandsStill,
            _ => Self::ApiServerKilled,
        }
    }
}

/// A tool, and its road to the service.
struct Lane {
    world: Arc<World>,
    tool: Tool,
    relay: Relay,
    service: Arc<Service>,
    /// One API server, one fault of it at a time.
    api_server: Arc<Mutex<()>>,
}

async fn at_whatever_moment_something_goes_nothing_is_wrong(world: Arc<World>) {
    let seed = Machine::read().chaos_seed;
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let rounds = match (world.cluster.is_real(), world.cluster.installed()) {
        (false, _) => ROUNDS,
        (true, None) => ROUNDS_ON_REAL,
        // The services that go are this scenario's own, whatever else is installed.
        (true, Some(_)) => LANES,
    };
    let title = format!("chaos: {rounds} random moments in {LANES} lanes, seed {seed}");
    say(&title);
    let api_server = Arc::new(Mutex::new(()));
    let mut lanes = JoinSet::new();
    for number in 0..LANES {
        let (world, api_server) = (Arc::clone(&world), Arc::clone(&api_server));
        lanes.spawn(async move {
            let service = world.start_service().await;
            let tool = world.tool("chaos").await;
            let relay = Relay::start(service.address).await;
            let mut lane = Lane { world, tool, relay, service, api_server };
            let mut wrong = Vec::new();
            for round in (number..rounds).step_by(LANES) {
                wrong.extend(lane.play(seed, round).await);
            }
            wrong
        });
    }
    let mut wrong = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        wrong.extend(lane.unwrap_or_else(|error| vec![format!("a lane: {error}")]));
    }
    assert!(wrong.is_empty(), "{title}, {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

impl Lane {
    /// Gives a line for each thing that was wrong.
    async fn play(&mut self, seed: u64, round: usize) -> Vec<String> {
        let mut numbers = Numbers(seed ^ (round as u64).wrapping_mul(0x2545_f491_4f6c_dd1d));
        let deed = Deed::by(&mut numbers, round);
        let fault = Fault::by(&mut numbers, self.world.cluster.is_real());
        let moment = Duration::from_millis(numbers.below(MOMENT_MS_MAX));
        let length = Duration::from_millis(1 + numbers.below(FAULT_MS_MAX));
        let prepared = deed.prepare(&self.tool).await;
        let ca = self.service.ca_file();
        let done = deed.act(&self.tool, self.relay.address, &ca);
        let next = async {
            // The moment is what this is about.
            sleep(moment).await;
            self.strike(fault, length).await
        };
        let (done, next) = join(done, next).await;
        if let Some(next) = next {
            self.service = next;
        }
        let judged = deed.judge(&self.tool, &done, &prepared, self.relay.address, &ca).await;
        let wrong = judged.into_iter().map(|what| {
            format!("round {round}: {deed:?}, {fault:?} after {moment:?} for {length:?}: {what}\n  {done:?}")
        });
        let wrong = wrong.collect();
        deed.clear(&self.tool).await;
        wrong
    }

    /// Lets something go wrong, and mends it. Gives the service that has taken the place of the other.
    async fn strike(&self, fault: Fault, length: Duration) -> Option<Arc<Service>> {
        let (relay, service) = (&self.relay, &self.service);
        match fault {
            Fault::Cut => relay.cut(),
            Fault::Closed => {
                relay.close_for(length).await;
                relay.lead_to(service.address);
            }
            Fault::Stalled => {
                relay.stall_for(length).await;
                relay.lead_to(service.address);
            }
            Fault::Half(bytes) => {
                relay.cut_answers_after(bytes);
                sleep(length).await;
                relay.lead_to(service.address);
            }
            Fault::Killed => {
                service.signal(Signal::KILL);
                relay.close();
                let next = self.world.start_next(service).await;
                relay.lead_to(next.address);
                return Some(next);
            }
            Fault::Replaced => {
                let next = self.world.start_next(service).await;
                relay.lead_to(next.address);
                service.terminate();
                return Some(next);
            }
            Fault::ApiServerStandsStill => self.outage(Outage::StandsStill, length).await,
            Fault::ApiServerKilled => self.outage(Outage::Killed, length).await,
        }
        None
    }

    async fn outage(&self, outage: Outage, length: Duration) {
        let _alone = self.api_server.lock().await;
        let outage = self.world.cluster.begin_outage(outage).await;
        // So long it lasts.
        sleep(length).await;
        outage.end().await;
    }
}
