//! Allocations a request, counted by the service itself: the same code in this program, which can
//! count them. They don't depend on the machine, so they are held to what they were.

use std::{alloc::System, process::ExitCode, sync::Arc, time::Duration};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tjf_devcluster::{
    Machine, Programs, Service,
    suite::{Call, Connection, World, eventually},
};
use tjf_handlers::config::Config;
use tjf_runtime::{
    config::Environment, open_files, reload::LookNow, shutdown::Shutdown, telemetry,
};

use crate::{memory::make_jobs, tell};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What this program is called when it is the service.
const SERVICE: &str = "toolforge-jobs-api";
const SAID: &str = "allocations so far: ";
const REQUESTS: u64 = 1_000;
/// What each took when somebody last looked, and how far it may be from that: whole allocations come
/// with a field or a header, and belong to the change that brought them.
const BASELINE: [(&str, &str, f64); 3] = [
    ("warm `list` of 20 jobs", "/list/", 38.0),
    ("`show`", "/show/job-0/", 42.0),
    ("`containers`", "/containers/", 33.0),
];
const DEVIATION_MAX: f64 = 0.15;

/// Whether somebody wants the service.
pub(crate) fn is_counted_service() -> bool {
    std::env::current_exe().is_ok_and(|program| program.ends_with(SERVICE))
}

/// Serves, and says at each SIGUSR1 how many allocations there were.
#[expect(clippy::print_stderr, reason = "the log is what the other side reads")]
pub(crate) fn serve() -> ExitCode {
    let config = Config::from(&Environment, open_files::raise_limit()).unwrap();
    telemetry::start(config.runtime.log_format, &config.runtime.log_filter).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (shutdown, look_now) = (Shutdown::new(), LookNow::default());
        let signals = shutdown.on_signals(look_now.clone()).unwrap();
        let kind = tokio::signal::unix::SignalKind::user_defined1();
        let mut asked = tokio::signal::unix::signal(kind).unwrap();
        let counting = async {
            while asked.recv().await.is_some() {
                eprintln!("{SAID}{}", ALLOCATOR.stats().allocations);
            }
        };
        tokio::select! {
            served = tjf_handlers::serve(config, shutdown, look_now) => served.unwrap(),
            () = signals => {}
            () = counting => {}
        }
    });
    ExitCode::SUCCESS
}

pub(crate) async fn measure(world: &Arc<World>) {
    let folder = tempfile::tempdir().unwrap();
    let programs = Programs::build(&Machine::read().cargo, None).await.unwrap();
    let programs = Programs { api: folder.path().join(SERVICE), ..programs };
    std::fs::copy(std::env::current_exe().unwrap(), &programs.api).unwrap();
    let service = Arc::new(Service::start(&programs, &world.cluster.site).await.unwrap());
    let tool = world.tool("count").await.through(&service);
    make_jobs(&tool).await;
    let mut connection = tool.client.open().await.unwrap();
    let mut beyond = Vec::new();
    for (what, path, baseline) in BASELINE {
        // The second read waits for the watches that the first begins.
        ask(&mut connection, path, 2).await;
        let before = counted(&service).await;
        ask(&mut connection, path, REQUESTS).await;
        let each = (counted(&service).await - before) as f64 / REQUESTS as f64;
        let aim = format!("{baseline:.0} ± {:.0} %", DEVIATION_MAX * 100.0);
        tell(
            &format!("allocations a request: {what}"),
            &format!("{each:.1}"),
            &aim,
            REQUESTS as usize,
        );
        if (each / baseline - 1.0).abs() > DEVIATION_MAX {
            beyond.push(format!("{what}: {each:.1}, and not {baseline:.0}"));
        }
    }
    service.terminate();
    service.ended().await;
    assert!(
        beyond.is_empty(),
        "allocations have changed; if they should, write it down: {beyond:?}"
    );
}

async fn ask(connection: &mut Connection, path: &str, times: u64) {
    for _ in 0..times {
        assert_eq!(connection.send(Call::get(path)).await.unwrap().status, 200);
    }
}

/// How many allocations the service says that there were.
async fn counted(service: &Service) -> u64 {
    let told = service.log().len();
    service.signal(rustix::process::Signal::USR1);
    eventually("the service counts", Duration::from_secs(10), async || {
        let log = service.log();
        let said = log[told..].iter().find_map(|line| line.strip_prefix(SAID)?.parse().ok());
        said.ok_or(log.len())
    })
    .await
}
