mod fields;
mod logs;
mod port;

use std::collections::BTreeMap;

use tjf_api_types::Emails;

use super::*;

const HOME: &str = "/data/project/tf-test";

/// A request that only says what it must.
fn request() -> RunRequest {
    RunRequest {
        name: Some("a".to_owned()),
        cmd: "true".to_owned(),
        imagename: "busybox".to_owned(),
        ..RunRequest::default()
    }
}

fn check(request: RunRequest) -> Result<Job, Invalid> {
    let tool = "tf-test".parse().unwrap();
    let runs_as = RunsAs {
        tool: &tool,
        home: HOME,
        idempotency_key: "k".to_owned(),
        suffix: Suffix::from_number(0),
        container: ("tf-busybox".to_owned(), "registry.example/busybox:1".to_owned()),
    };
    super::check(request, runs_as)
}

/// The field that is refused, and by which kind of rule.
fn refused(request: RunRequest) -> Option<(&'static str, Rule)> {
    check(request).err().map(|invalid| (invalid.field, invalid.rule))
}

/// A change to [`request`], for tables.
type Change = fn(&mut RunRequest);

fn changed(change: Change) -> RunRequest {
    let mut request = request();
    change(&mut request);
    request
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}
