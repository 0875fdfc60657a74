//! The README's own words lead from a cluster to a job whose output is read.

use std::{ffi::OsString, path::Path, sync::Arc, time::Duration};

use k8s_openapi::{ByteString, api::certificates::v1::CertificateSigningRequest};
use kube::{
    Api,
    api::{DeleteParams, PostParams},
};
use tjf_devcluster::{
    Machine,
    suite::{Needs, World, eventually, run_program},
};

use super::scenarios;

scenarios![
    the_readme_leads_a_newcomer_to_a_finished_job:
        Needs::RealCluster("its CertificateSigningRequests and Roles are asked for"),
    the_readmes_script_waits_for_five_jobs_and_reports: Needs::Program("curl"),
];

/// A person with an administrator's rights types these in one shell, one after the other.
const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
const SIGNED_TIME_MAX: Duration = Duration::from_secs(60);

/// Plays the blocks of the README from "Make a tool" on, word for word, and then its script with
/// nothing but curl. Left out is the build, which this suite has done; what differs from the page
/// is only what a test has of its own: the tool's name and two ports.
async fn the_readme_leads_a_newcomer_to_a_finished_job(world: Arc<World>) {
    let tool = world.unmade_tool("readme");
    let mut script =
        String::from("set -eu\ntrap '[ -z \"${!-}\" ] || kill $!' EXIT\ncd \"$(mktemp -d)\"\n");
    script.push_str(&blocks_below("## Try it on your own cluster")[1..].concat());
    script.push_str(&blocks_below("## The API, with curl").concat());
    for (port, listener) in [("8443", free_port()), ("9090", free_port())] {
        script = script.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{listener}"));
    }
    let environment = world.cluster.environment().expect("it is a real cluster");
    let machine = Machine::read();
    let path = [world.programs_folder().as_os_str(), ":".as_ref(), &machine.path];
    let path: OsString = path.into_iter().collect();
    // Where only the cluster's own command has a kubectl.
    let kubectl = environment.command.as_ref().map_or_else(String::new, |command| {
        format!("kubectl() {{ '{}' kubectl \"$@\"; }}\n", command.display())
    });
    let script = kubectl + &script;
    let variables = [
        ("PATH", path.as_os_str()),
        ("HOME", machine.home.as_os_str()),
        ("KUBECONFIG", environment.kubeconfig.as_os_str()),
        ("TJF_HOMES", environment.site.homes.as_os_str()),
        ("IMAGE", environment.site.image.as_ref()),
        ("TOOL", tool.as_ref()),
    ];
    let sh = Path::new("/bin/sh");
    let words = ["-c", script.as_str()];
    let typed = run_program(sh, &words, &variables);
    let output = tokio::select! {
        output = typed => output,
        never = sign_if_the_cluster_does_not(&world, &tool) => never,
    };
    let requests = Api::<CertificateSigningRequest>::all(world.cluster.admin.clone());
    let _ = requests.delete(&tool, &DeleteParams::default()).await;
    let told = format!("{}\n{}", output.stdout, output.stderr);
    assert_eq!(output.code, 0, "{told}");
    for line in ["Completed\nhi\n", "hello  one-off  -         Completed ", "\"name\":\"by-form\""]
    {
        assert!(output.stdout.contains(line), "{line:?} is not in:\n{told}");
    }
    assert!(output.stdout.contains(r#"{"deleted":["by-json"]}"#), "{told}");
}

async fn the_readmes_script_waits_for_five_jobs_and_reports(world: Arc<World>) {
    let tool = world.tool("script").await;
    let scripts = blocks_in("bash", "## The API, with curl");
    let [script] = scripts[..] else { panic!("{scripts:?}") };
    assert!(script.lines().count() <= 10 && !script.contains("jq"), "{script}");
    let server = format!("https://{}", tool.service().address);
    let (ca, path) = (tool.service().ca_file(), Machine::read().path);
    let (certificate, key) =
        (tool.home.join(".toolskube/client.crt"), tool.home.join(".toolskube/client.key"));
    let variables = [
        ("PATH", path.as_os_str()),
        ("TOOLFORGE_JOBS_SERVER", server.as_ref()),
        ("TOOLFORGE_JOBS_CA", ca.as_os_str()),
        ("TOOLFORGE_JOBS_CERT", certificate.as_os_str()),
        ("TOOLFORGE_JOBS_KEY", key.as_os_str()),
    ];
    let output = run_program(Path::new("/bin/bash"), &["-c", script], &variables).await;
    let mut expected: String = (1..=5).map(|n| format!("part-{n}\n")).collect();
    for n in 1..=5 {
        let outcome = if n % 2 == 0 { "Completed\t0" } else { "Failed\t1" };
        expected.push_str(&format!("part-{n}\t{outcome}\t\n"));
    }
    assert_eq!((output.code, output.stdout.as_str()), (0, expected.as_str()), "{output:?}");
}

/// The shell blocks of one chapter of the README.
fn blocks_below(heading: &str) -> Vec<&'static str> {
    blocks_in("sh", heading)
}

/// The blocks of one language in one chapter of the README.
fn blocks_in(language: &str, heading: &str) -> Vec<&'static str> {
    let (_, chapter) = README.split_once(&format!("\n{heading}\n")).expect("the chapter is there");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let fence = format!("```{language}\n");
    let starts: Vec<_> = chapter.split(fence.as_str()).skip(1).collect();
    starts.into_iter().map(|block| block.split("```").next().unwrap_or_default()).collect()
}

/// A port that nobody has at the moment: the README's commands can't tell which one they got.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A cluster signs the certificates of its clients; one that keeps the CA's key to itself leaves
/// that to us.
async fn sign_if_the_cluster_does_not<T>(world: &World, tool: &str) -> T {
    let requests = Api::<CertificateSigningRequest>::all(world.cluster.admin.clone());
    let mut request = eventually("the request is approved", SIGNED_TIME_MAX, async || {
        let request = requests.get(tool).await.map_err(|error| error.to_string())?;
        let status = request.status.as_ref();
        let is_approved = status.is_some_and(|status| status.conditions.is_some());
        if is_approved { Ok(request) } else { Err("not approved".to_owned()) }
    })
    .await;
    let pem = String::from_utf8(request.spec.request.0.clone()).unwrap();
    let certificate = world.cluster.authority().answer(&pem);
    let status = request.status.as_mut().unwrap();
    if status.certificate.is_none() {
        status.certificate = Some(ByteString(certificate.into_bytes()));
        // The cluster's own signer may have been quicker; either is fine.
        let _ = requests.replace_status(tool, &PostParams::default(), &request).await;
    }
    std::future::pending().await
}
