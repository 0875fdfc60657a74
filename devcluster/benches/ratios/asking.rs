//! One question, and how long its answer takes.

use std::time::Duration;

use tjf_devcluster::suite::{Answer, Call, Client, Connection, Tool, World};
use tokio::time::Instant;

use crate::figure::Rate;

/// The kinds that a list is made from.
pub(crate) const KINDS: usize = 4;

/// The paths of the lists that a `list` is made from, as our service asks for them.
pub(crate) fn direct_lists(tool: &Tool) -> [String; KINDS] {
    let selector = format!(
        "toolforge%3Dtool%2Capp.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2C\
         app.kubernetes.io%2Fcreated-by%3D{}",
        tool.name
    );
    [
        direct(tool, "/apis/batch/v1", "jobs"),
        direct(tool, "/apis/batch/v1", "cronjobs"),
        direct(tool, "/api/v1", "replicationcontrollers"),
        direct(tool, "/api/v1", "pods"),
    ]
    .map(|path| format!("{path}?labelSelector={selector}"))
}

/// Where the API server has a tool's objects of this kind.
pub(crate) fn direct(tool: &Tool, group: &str, kind: &str) -> String {
    format!("{group}/namespaces/tool-{}/{kind}", tool.name)
}

/// Whoever asks the API server itself.
pub(crate) async fn beside(world: &World, tool: &Tool) -> Client {
    world.cluster.raw_client(Some(&tool.identity)).await
}

/// A GET of a path that is whole.
pub(crate) fn get(path: &str) -> Call {
    Call::to(http::Method::GET, path).header("accept", "application/json")
}

/// `list`, as the command asks for it.
pub(crate) fn list() -> Call {
    Call::get("/list/").header("accept", "application/json")
}

/// Asks, and gives the time to the answer's last byte.
///
/// # Panics
/// When the status is another.
pub(crate) async fn timed(
    connection: &mut Connection,
    call: Call,
    status: u16,
) -> (Answer, Duration) {
    let began = Instant::now();
    let answer = connection.send(call).await.unwrap();
    let time = began.elapsed();
    assert_eq!(answer.status, status, "{}", answer.text());
    (answer, time)
}

/// The calls one after the other, as one.
pub(crate) async fn timed_all(connection: &mut Connection, paths: &[String]) -> Duration {
    let began = Instant::now();
    for path in paths {
        timed(connection, get(path), 200).await;
    }
    began.elapsed()
}

/// Callers, each with a connection of its own, who ask again as soon as they are answered.
pub(crate) async fn pressed(
    connections: &mut [Connection],
    calls: &[Call],
    turn: Duration,
    rate: &mut Rate,
) {
    let began = Instant::now();
    let callers = connections.iter_mut().map(async |connection| {
        let mut count = 0;
        while began.elapsed() < turn {
            for call in calls {
                timed(connection, call.clone(), 200).await;
            }
            count += 1;
        }
        count
    });
    let counts = futures_util::future::join_all(callers).await;
    rate.count += counts.into_iter().sum::<usize>();
    rate.time += began.elapsed();
}

/// Connections of one caller.
pub(crate) async fn connections(client: &Client, count: usize) -> Vec<Connection> {
    let opening = (0..count).map(|_| client.open());
    let opened = futures_util::future::try_join_all(opening).await;
    opened.unwrap()
}
