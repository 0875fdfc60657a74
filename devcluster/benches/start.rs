//! How long the embedded cluster takes to start: `cargo bench -p tjf-devcluster --bench start`.
//!
//! Until its API server has answered the first request over TLS, beside the product's own service
//! on the same machine in the same run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, for a person to read"
)]

use std::time::Duration;

use hyper::Method;
use tjf_devcluster::{
    Cluster, Machine, Options, Programs, Service,
    suite::{Call, Client},
};
use tokio::time::Instant;

const STARTS: usize = 30;

#[tokio::main]
async fn main() {
    let programs = Programs::build(&Machine::read().cargo, None).await.unwrap();
    let (mut clusters, mut services) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let began = Instant::now();
        let cluster = Cluster::start(Options::default()).await.unwrap();
        let site = cluster.site();
        let address = site.server.strip_prefix("https://").unwrap().parse().unwrap();
        let identity = cluster.administrator();
        let client = Client::new(address, &cluster.authority().certificate, Some(&identity));
        let answer = client.send(Call::to(Method::GET, "/api/v1/namespaces")).await;
        clusters.push(began.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.text());

        let began = Instant::now();
        let service = Service::start(&programs, &site).await.unwrap();
        let answer = service.client(None).send(Call::get("/containers/")).await;
        services.push(began.elapsed());
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    let cluster = tell("a cluster", clusters);
    let service = tell("the service, a process of its own", services);
    println!("ratio of the medians: {:.2}", cluster.as_secs_f64() / service.as_secs_f64());
}

/// Prints and gives the median, the smallest and the largest.
fn tell(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: median {median:.1?}, from {:.1?} to {last:.1?}, of {STARTS}", times[0]);
    median
}
