use std::{path::PathBuf, sync::Arc};

use expect_test::expect_file;
use tjf_runtime::RequestId;

use super::*;
use crate::job::limits::QuotaRefused;

/// What may never be in an answer: it stands for a path, an object, or a source error's text.
const SECRET: &str = "SECRET";

fn refusal() -> QuotaRefusal {
    let [resource, requested, used, limited] =
        ["count/jobs.batch", "1", "200", "200"].map(str::to_owned);
    QuotaRefusal { resources: vec![QuotaRefused { resource, requested, used, limited }] }
}

/// One error of every kind, and the golden file of the problem that it becomes.
fn every_kind() -> Vec<(&'static str, Error)> {
    let invalid = |rule, field| Error::Invalid(Invalid::of(rule, field, "this would be right"));
    let source = || Arc::new(BoxError::from(SECRET));
    let secret = || SECRET.to_owned();
    let name = || "my-bot".parse().unwrap();
    vec![
        ("invalid-request", invalid(Rule::Request, "name")),
        ("invalid-schedule", invalid(Rule::Schedule, "schedule")),
        ("invalid-container", invalid(Rule::Container, "imagename")),
        ("invalid-limits", invalid(Rule::Limits, "memory")),
        ("job-not-found", Error::JobNotFound(name())),
        ("job-exists", Error::JobExists { name: "my-bot".to_owned(), by_foreign_object: false }),
        (
            "job-exists-foreign",
            Error::JobExists { name: "web".to_owned(), by_foreign_object: true },
        ),
        ("invalid-request-key", Error::KeyReused),
        ("quota-exceeded-unfinished", Error::TooManyUnfinished { unfinished: 50 }),
        ("quota-exceeded", Error::QuotaExceeded(refusal())),
        ("internal", Error::Internal("no", SECRET.into())),
        ("quota-exceeded", ClusterError::QuotaExceeded(refusal()).into()),
        ("quota-exceeded-unread", ClusterError::QuotaExceeded(QuotaRefusal::default()).into()),
        ("credentials-rejected", ClusterError::CredentialsRejected.into()),
        (
            "forbidden-by-kubernetes",
            ClusterError::Forbidden {
                tool: "tf-test".to_owned(),
                action: "create jobs".to_owned(),
                message: secret(),
            }
            .into(),
        ),
        ("cluster-unavailable", ClusterError::Unreachable(SECRET.into()).into()),
        (
            "cluster-unavailable",
            ClusterError::Failing { code: 500, message: secret(), retry_after: None }.into(),
        ),
        ("internal", ClusterError::NotFound.into()),
        ("internal", ClusterError::AlreadyExists { being_deleted: false }.into()),
        ("internal", ClusterError::Conflict.into()),
        (
            "internal",
            ClusterError::Refused { code: 422, reason: secret(), message: secret() }.into(),
        ),
        (
            "internal",
            ClusterError::Unreadable(serde_json::from_str::<u8>(SECRET).unwrap_err()).into(),
        ),
        ("no-credentials", ClusterError::Connect(ConnectError::NoCredentials(source())).into()),
        ("forbidden-certificate", ClusterError::Connect(ConnectError::ForeignCertificate).into()),
        ("cluster-unavailable-home", ClusterError::Connect(ConnectError::HomeSilent).into()),
        ("internal", ClusterError::Connect(ConnectError::Misconfigured(source())).into()),
    ]
}

#[test]
fn every_kind_of_error_becomes_the_problem_that_clients_know() {
    for (file, error) in every_kind() {
        let failure = Failure::from(error);
        let problem = failure.problem(&RequestId::from_text("r1"));
        let text = serde_json::to_string_pretty(&problem).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        assert!(file.starts_with(problem.slug()), "{file} holds {}", problem.slug());
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/problems");
        expect_file![PathBuf::from(golden).join(format!("{file}.json"))].assert_eq(&text);
    }
}
