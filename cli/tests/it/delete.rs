use expect_test::expect;

use crate::{
    server::Reply,
    session::Session,
    views::{job, problem},
};

#[test]
fn every_name_is_deleted_and_told() {
    let session = Session::new([
        Reply::text(200, r#"{"deleted":["one"]}"#),
        Reply::text(200, r#"{"deleted":["two"]}"#),
    ]);
    expect![[r#"
        exit 0
        -- stdout
        one
        two
    "#]]
    .assert_eq(&session.run(&["delete", "one", "two"]));
    assert_eq!(
        session.server.lines(),
        ["DELETE /api/v1/delete/one/", "DELETE /api/v1/delete/two/"]
    );
}

#[test]
fn an_absent_name_is_told_and_the_others_are_deleted() {
    let session = Session::new([
        problem("job-not-found", 404, "there is no job `oen`"),
        Reply::json(200, &[job("one")]),
        Reply::text(200, r#"{"deleted":["two"]}"#),
    ]);
    expect![[r#"
        exit 1
        -- stdout
        two
        -- stderr
        error: there is no job `oen`
        hint: did you mean `one`?
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["delete", "oen", "two"]));
}

#[test]
fn a_deletion_is_sent_once_whatever_comes_of_it() {
    for reply in [Reply::HangUp, problem("cluster-unavailable", 503, "Kubernetes is away")] {
        let session = Session::new([reply]);
        assert!(session.run(&["delete", "one", "two"]).starts_with("exit 3\n"));
        assert_eq!(session.server.lines(), ["DELETE /api/v1/delete/one/"]);
    }
}

#[test]
fn json_is_one_document_a_name() {
    let session = Session::new([Reply::text(200, r#"{"deleted": ["one"]}"#)]);
    expect![[r#"
        exit 0
        -- stdout
        {"deleted": ["one"]}
        {"deleted": ["one"]}
    "#]]
    .assert_eq(&session.run(&["delete", "one", "one", "--json"]));
}
