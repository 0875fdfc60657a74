use std::{path::PathBuf, sync::Arc};

use expect_test::expect_file;
use tjf_runtime::RequestId;

use super::*;
use crate::job::quota::{QuotaRefusal, QuotaRefused};

/// What may never be in an answer: it stands for a path, an object, or a source error's text.
const SECRET: &str = "SECRET";

fn lost() -> ClusterError {
    ClusterError::Lost(SECRET.into())
}

fn refusal() -> QuotaRefusal {
    let [resource, requested, used, limited] =
        ["count/jobs.batch", "1", "200", "200"].map(str::to_owned);
    QuotaRefusal { resources: vec![QuotaRefused { resource, requested, used, limited }] }
}

fn taken() -> Error {
    Error::JobExists { name: "my-bot".to_owned(), by_foreign_object: false }
}

fn not_replaced(why: Error) -> Error {
    Error::NotReplaced { name: "my-bot".to_owned(), why: Box::new(why) }
}

/// One error of every kind, and the golden file of the problem that it becomes.
fn every_kind() -> Vec<(&'static str, Error)> {
    let invalid = |rule, field| Error::Invalid(Invalid::of(rule, field, "this would be right"));
    let name = || "my-bot".parse().unwrap();
    let fifty = TooManyUnfinished { unfinished: 50, allowed: 50, why: "" };
    vec![
        ("invalid-request", invalid(Rule::Request, "name")),
        ("invalid-schedule", invalid(Rule::Schedule, "schedule")),
        ("invalid-container", invalid(Rule::Container, "imagename")),
        ("invalid-limits", invalid(Rule::Limits, "memory")),
        ("job-not-found", Error::JobNotFound(name())),
        ("job-exists", taken()),
        (
            "job-exists-foreign",
            Error::JobExists { name: "web".to_owned(), by_foreign_object: true },
        ),
        (
            "forbidden-other-tool",
            Error::OtherTool { named: "tf-other".to_owned(), own: "tf-test".to_owned() },
        ),
        ("job-exists-not-replaced", not_replaced(taken())),
        ("deadline-exceeded-not-replaced", not_replaced(lost().into())),
        ("invalid-request-key", Error::KeyReused),
        ("invalid-request-one-off", Error::OneOffRestarted("my-job".to_owned())),
        ("quota-exceeded-unfinished", Error::TooManyUnfinished(fifty)),
        (
            "job-exists-ending",
            Error::JobEnding { name: "my-bot".to_owned(), since: Some(Timestamp::UNIX_EPOCH) },
        ),
        (
            "deadline-exceeded-not-known",
            Error::NotKnown { detail: "this is not known".to_owned(), source: lost() },
        ),
        ("cluster-unavailable-home", FileError::Silent.into()),
        ("forbidden-log", FileError::Refused("it is not a regular file").into()),
        ("overloaded", FileError::NoFileLeft.into()),
        ("cluster-unavailable-log", FileError::Unreadable(std::io::Error::other(SECRET)).into()),
        ("internal", Error::Internal("no", SECRET.into())),
    ]
}

/// The same of what Kubernetes did not do.
fn every_kind_of_cluster_error() -> Vec<(&'static str, Error)> {
    let source = || Arc::new(BoxError::from(SECRET));
    let secret = || SECRET.to_owned();
    vec![
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
        ("cluster-unavailable", lost().into()),
        ("cluster-unavailable", ClusterError::NotReached(SECRET.into()).into()),
        ("overloaded", ClusterError::NoFileLeft(SECRET.into()).into()),
        ("cluster-unavailable", ClusterError::OutOfTime.into()),
        (
            "cluster-unavailable",
            ClusterError::Busy { code: 409, message: secret(), retry_after: None }.into(),
        ),
        (
            "deadline-exceeded-unknown",
            ClusterError::Unknown { action: secret(), source: Box::new(lost()) }.into(),
        ),
        (
            "cluster-unavailable",
            ClusterError::Failing { code: 500, message: secret(), retry_after: None }.into(),
        ),
        ("object-too-large", ClusterError::TooLarge.into()),
        ("internal", ClusterError::NotFound.into()),
        ("internal", ClusterError::AlreadyExists { being_deleted: false }.into()),
        ("internal", ClusterError::OtherObject.into()),
        ("cluster-unavailable", ClusterError::NoSuchVersion { message: secret() }.into()),
        (
            "cluster-unavailable",
            ClusterError::Unreadable(serde_json::from_str::<u8>(SECRET).unwrap_err()).into(),
        ),
        (
            "internal",
            ClusterError::Refused { code: 422, reason: secret(), message: secret() }.into(),
        ),
        (
            "internal",
            ClusterError::Unreadable(serde_json::from_str::<u8>("true").unwrap_err()).into(),
        ),
        ("no-credentials", ClusterError::Connect(ConnectError::NoCredentials(source())).into()),
        ("forbidden-certificate", ClusterError::Connect(ConnectError::ForeignCertificate).into()),
        ("credentials-rejected", ClusterError::Connect(ConnectError::Rejected).into()),
        ("credentials-rejected-dates", ClusterError::Connect(ConnectError::NotValidNow).into()),
        ("cluster-unavailable-home", ClusterError::Connect(ConnectError::HomeSilent).into()),
        ("internal", ClusterError::Connect(ConnectError::Misconfigured(source())).into()),
    ]
}

#[test]
fn every_kind_of_error_becomes_the_problem_that_clients_know() {
    for (file, error) in every_kind().into_iter().chain(every_kind_of_cluster_error()) {
        let failure = Failure::from(error);
        let problem = failure.problem(&RequestId::from_text("r1"));
        let text = serde_json::to_string_pretty(&problem).unwrap();
        assert!(!text.contains(SECRET), "{text}");
        assert!(file.starts_with(problem.slug()), "{file} holds {}", problem.slug());
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/problems");
        expect_file![PathBuf::from(golden).join(format!("{file}.json"))].assert_eq(&text);
    }
}
