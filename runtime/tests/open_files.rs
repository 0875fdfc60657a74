//! What a client of Kubernetes says when this process has no open file left. By itself in a process,
//! since nothing else could go on in it.

use std::fs::File;

use tjf_runtime::{open_files::has_no_file_left, pool::was_never_sent};
use tokio::runtime::Builder;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may block")]
fn a_call_without_a_file_for_its_connection_is_not_kubernetes_fault() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Nobody listens there.
        let config = kube::Config::new("https://127.0.0.1:1".parse().unwrap());
        let client = kube::Client::try_from(config).unwrap();
        let call = || http::Request::get("/version").body(Vec::new()).unwrap();
        let refused = client.request_text(call()).await.unwrap_err();
        let few = rustix::process::Rlimit { current: Some(64), maximum: Some(64) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        let no_file = client.request_text(call()).await.unwrap_err();
        drop(all);
        for (error, expected) in [(refused, false), (no_file, true)] {
            assert!(was_never_sent(&error), "{error:?}");
            assert_eq!(has_no_file_left(&error), expected, "{error:?}");
        }
    });
}
