use expect_test::expect;

use crate::{server::Reply, session::Session};

#[test]
fn a_script_is_not_asked() {
    let session = Session::new([Reply::text(200, r#"{"deleted":["one","two"]}"#)]);
    expect![[r#"
        exit 0
        -- stdout
        one
        two
    "#]]
    .assert_eq(&session.run(&["flush"]));
    assert_eq!(session.server.lines(), ["DELETE /api/v1/flush/"]);
}

#[test]
fn nothing_to_delete_is_told_as_talk() {
    let session = Session::new([Reply::text(200, r#"{"deleted":[]}"#)]);
    expect![[r#"
        exit 0
        -- stderr
        there are no jobs
    "#]]
    .assert_eq(&session.run(&["flush", "--yes"]));
}
