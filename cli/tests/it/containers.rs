use expect_test::expect;
use tjf_api_types::ContainerState;

use crate::{server::Reply, session::Session, views::container};

fn two_containers() -> Reply {
    let stable = container("tf-python39", ContainerState::Stable);
    Reply::json(200, &[container("tf-buster", ContainerState::Deprecated), stable])
}

#[test]
fn a_table_tells_what_runs_and_what_should_not_any_more() {
    let session = Session::new([two_containers()]);
    expect![[r#"
        exit 0
        -- stdout
        NAME         IMAGE                                STATE
        tf-buster    registry.example/tf-buster:latest    deprecated
        tf-python39  registry.example/tf-python39:latest  stable
    "#]]
    .assert_eq(&session.run(&["containers"]));
    assert_eq!(session.run(&["images"]), session.run(&["containers"]));
    assert_eq!(session.server.lines()[0], "GET /api/v1/containers/");
}
