//! From the start of the service's process to its first answer over TLS.

use std::sync::Arc;

use tjf_devcluster::suite::{Call, World};
use tokio::time::Instant;

use crate::tell;

const STARTS: usize = 30;

pub(crate) async fn measure(world: &Arc<World>) {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let began = Instant::now();
        let service = world.start_service().await;
        let answer = service.client(None).send(Call::get("/containers/")).await;
        times.push(began.elapsed());
        assert_eq!(answer.status, 401, "{}", answer.text());
        service.terminate();
        service.ended().await;
    }
    times.sort_unstable();
    let median = format!("{:.1?}", times[STARTS / 2]);
    tell("cold start: from the process to its first answer, p50", &median, "", STARTS);
}
