use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use kube::client::Body;
use tjf_runtime::testing::following_clients_of;
use tokio::join;
use tower_test::mock;

use super::*;
use crate::{
    Context,
    cluster::{Cluster, call::DeleteOptions},
    testing::{TOOL, state},
};

type Calls = mock::Handle<http::Request<Body>, Response<Full<Bytes>>>;

async fn cluster() -> (Calls, Cluster) {
    let (service, calls) = mock::pair();
    let clients = following_clients_of(kube::Client::new(service, "default"));
    let context = Context::for_test_of(TOOL, state(), clients);
    (calls, Cluster::of(&context).await.unwrap())
}

/// Answers the next call that there is nothing, and gives what it came over.
async fn answer(calls: &mut Calls) -> Version {
    let (request, respond) = calls.next_request().await.unwrap();
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NOT_FOUND;
    respond.send_response(response);
    request.version()
}

#[tokio::test]
async fn a_look_goes_over_the_shared_connection_and_a_change_over_its_own() {
    let (mut calls, cluster) = cluster().await;
    let (found, over) = join!(cluster.get_object(Kind::JOBS, "a"), answer(&mut calls));
    assert!(found.unwrap().is_none());
    assert_eq!(over, Version::HTTP_2);
    let options = DeleteOptions::of("uid");
    let (deleted, over) = join!(cluster.delete(Kind::JOBS, "a", &options), answer(&mut calls));
    deleted.unwrap();
    assert_eq!(over, Version::HTTP_11);
}

#[tokio::test]
async fn a_look_that_the_shared_connection_leaves_without_an_answer_is_made_over_its_own() {
    let (mut calls, cluster) = cluster().await;
    let answers = async {
        let (request, respond) = calls.next_request().await.unwrap();
        assert_eq!(request.version(), Version::HTTP_2);
        respond.send_error("it broke off");
        answer(&mut calls).await
    };
    let (found, over) = join!(cluster.get_object(Kind::JOBS, "a"), answers);
    assert!(found.unwrap().is_none());
    assert_eq!(over, Version::HTTP_11);
}

#[tokio::test]
async fn while_nothing_is_followed_since_that_went_wrong_a_look_has_its_own() {
    let (mut calls, cluster) = cluster().await;
    let known = cluster.context.known();
    let feed = known.store.fill(&cluster.context.state.room, 0, crate::store::Filling::default());
    feed.unwrap().end(true);
    let (found, over) = join!(cluster.get_object(Kind::JOBS, "a"), answer(&mut calls));
    assert!(found.unwrap().is_none());
    assert_eq!(over, Version::HTTP_11);
}

#[tokio::test]
async fn when_others_are_under_way_on_the_shared_connection_a_look_has_its_own() {
    let (mut calls, cluster) = cluster().await;
    let known = cluster.context.known();
    let _others = known.calls.shared.acquire_many(4).await.unwrap();
    let (found, over) = join!(cluster.get_object(Kind::JOBS, "a"), answer(&mut calls));
    assert!(found.unwrap().is_none());
    assert_eq!(over, Version::HTTP_11);
}
