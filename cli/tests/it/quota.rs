use expect_test::expect;
use tjf_api_types::{QuotaCategory, QuotaItem, QuotaView};

use crate::{server::Reply, session::Session, views::problem};

fn item(name: &str, used: Option<&str>, limit: &str) -> QuotaItem {
    QuotaItem { name: name.to_owned(), limit: limit.to_owned(), used: used.map(str::to_owned) }
}

fn quota() -> QuotaView {
    let running = vec![item("Pods", Some("2"), "16"), item("Memory", Some("1536Mi"), "16Gi")];
    let each = vec![item("CPU, at most", None, "1")];
    let category = |name: &str, items| QuotaCategory { name: name.to_owned(), items };
    QuotaView { categories: vec![category("Running jobs", running), category("Each job", each)] }
}

#[test]
fn limits_and_use_are_one_table() {
    let session = Session::new([Reply::json(200, &quota())]);
    expect![[r#"
        exit 0
        -- stdout
        CATEGORY      WHAT          USED    LIMIT
        Running jobs  Pods          2       16
        Running jobs  Memory        1536Mi  16Gi
        Each job      CPU, at most  -       1
    "#]]
    .assert_eq(&session.run(&["quota"]));
    assert_eq!(session.server.lines(), ["GET /api/v1/quota/"]);
}

#[test]
fn json_is_the_apis_own_byte_for_byte() {
    let newer =
        serde_json::to_string_pretty(&quota()).unwrap().replacen('{', "{ \"new\": 1.50,", 1);
    let session = Session::new([Reply::Answer(200, newer.clone().into())]);
    let output = session.command(&["quota", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{newer}\n"));
}

#[test]
fn what_is_refused_is_told() {
    let detail = "Kubernetes does not let tool tf-test list resourcequotas: ask an administrator";
    let session = Session::new([problem("forbidden", 403, detail)]);
    expect![[r#"
        exit 1
        -- stderr
        error: Kubernetes does not let tool tf-test list resourcequotas: ask an administrator
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["quota"]));
}
