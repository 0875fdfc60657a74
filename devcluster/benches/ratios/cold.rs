//! The first question of a tool: its files, TLS to Kubernetes, and the lists.

use std::sync::Arc;

use tjf_devcluster::suite::World;
use tokio::time::Instant;

use crate::{
    asking::{beside, direct_lists, get, list, timed, timed_all},
    figure::{Table, Wanted, quantile, shown},
    warm::{asked, make_jobs},
};

/// Each needs a service of its own, which has never seen the tool.
const ROUNDS: usize = 20;

pub(crate) async fn measure(world: &Arc<World>, table: &mut Table) {
    let [tool, other] = [world.tool("cold").await, world.tool("before").await];
    make_jobs(&tool).await;
    let kubernetes = beside(world, &tool).await;
    let lists = direct_lists(&tool);
    let mut ours = Vec::new();
    let mut by_kind = [const { Vec::new() }; 4];
    let mut all_four = Vec::new();
    let mut calls = Vec::new();
    for _ in 0..ROUNDS {
        let service = world.start_service().await;
        // A process that has never answered anybody is another figure: `--bench start`.
        other.through(&service).list().await;
        let before = asked(&service).await;
        let tool = tool.through(&service);
        let began = Instant::now();
        let mut connection = tool.client.open().await.unwrap();
        timed(&mut connection, list(), 200).await;
        ours.push(began.elapsed());
        calls.push(asked(&service).await - before);
        for (path, times) in lists.iter().zip(&mut by_kind) {
            let began = Instant::now();
            let mut connection = kubernetes.open().await.unwrap();
            timed(&mut connection, get(path), 200).await;
            times.push(began.elapsed());
        }
        let began = Instant::now();
        let mut connection = kubernetes.open().await.unwrap();
        timed_all(&mut connection, &lists).await;
        all_four.push(began.elapsed());
        service.terminate();
        service.ended().await;
    }
    let slowest = by_kind.into_iter().max_by_key(|times| quantile(times.clone(), 0.5)).unwrap();
    table.medians(
        "cold `list` of 23 jobs on a new connection, p50, beside the slowest LIST on a new connection",
        (ours.clone(), slowest),
        Wanted::AtMost { aim: 3.0, gate: 8.0 },
    );
    calls.sort_unstable();
    let calls = calls[calls.len() / 2];
    let (ours, all_four) = (quantile(ours, 0.5), quantile(all_four, 0.5));
    table.tell(
        "one who asks only once, p50, beside four LISTs on one new connection",
        [format!("{}, {calls} calls", shown(ours)), format!("{}, 4 calls", shown(all_four))],
        ours.as_secs_f64() / all_four.as_secs_f64(),
        Wanted::Nothing,
        &format!("{ROUNDS} and {ROUNDS}"),
    );
}
