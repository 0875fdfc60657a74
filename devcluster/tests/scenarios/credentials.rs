//! The certificate in the home: renewed under load, and replaced by what can't be read.

use std::{os::unix::fs::symlink, sync::Arc, time::Duration};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tjf_devcluster::{
    Authority, Identity, Subject,
    suite::{Call, DelayingProxy, Tool, World, eventually, within},
};
use tokio::time::{Instant, interval};

use super::{POD_TIME_MAX, one_off, scenarios};

scenarios![
    a_certificate_is_renewed_under_load,
    a_wait_outlives_the_certificate_that_it_began_with,
    what_is_no_file_in_place_of_a_key_hangs_nobody,
    a_home_without_credentials_is_told_so,
    a_certificate_that_kubernetes_refuses_is_told_so,
    what_kubernetes_refused_is_not_shown_to_it_again,
    a_certificate_that_has_ended_is_not_shown_at_all,
    what_is_no_certificate_behind_a_good_one_is_told_as_the_homes,
];

/// The certificate in the home ends after 20 s, so whoever still used it then would be refused. Key
/// and certificate are written a second apart: for that second they do not fit. Every request must
/// be answered all the while, by the very process that began.
async fn a_certificate_is_renewed_under_load(world: Arc<World>) {
    const END: i64 = 20;
    const RENEWED_AT: u64 = 6;
    const LOAD_SECONDS: u64 = 32;
    let first = world.issue(Subject::tool("placeholder"));
    let tool = world.tool_whose_home_holds("renew", &first).await;
    let subject = || Subject::tool(&tool.name);
    write(&tool, "client.key", "").await;
    let brief = world.issue(subject().for_seconds(END));
    write(&tool, "client.crt", &brief.certificate).await;
    write(&tool, "client.key", &brief.key).await;
    let renewed = world.issue(subject());
    let began = Instant::now();
    let mut ticks = interval(Duration::from_millis(100));
    let mut steps =
        [("client.key", &renewed.key), ("client.crt", &renewed.certificate)].into_iter();
    let mut next_step = Duration::from_secs(RENEWED_AT);
    let mut count = 0;
    while began.elapsed() < Duration::from_secs(LOAD_SECONDS) {
        ticks.tick().await;
        if began.elapsed() >= next_step
            && let Some((file, text)) = steps.next()
        {
            write(&tool, file, text).await;
            next_step += Duration::from_secs(1);
        }
        let answer = tool.send(Call::get("/list/").header("cache-control", "no-cache")).await;
        assert_eq!(answer.status, 200, "{:?} after the start: {}", began.elapsed(), answer.text());
        count += 1;
    }
    // A busy machine answers fewer.
    assert!(count > 40, "that was not a load: {count} requests");
}

/// The job runs on, and the certificate ends. Only when that was told, the home gets another one.
async fn a_wait_outlives_the_certificate_that_it_began_with(world: Arc<World>) {
    // Its log names nobody who is refused, so nobody else may ask it.
    let service = world.start_service().await;
    let tool = world.tool("outlive").await.through(&service);
    write_pair(&tool, &world.issue(Subject::tool(&tool.name).for_seconds(10))).await;
    let cmd = "echo began; until [ -e go ]; do sleep 0.2; done; exit 7";
    let words = ["run", "bot", "--command", cmd, "--image", "tf-busybox", "--wait"];
    let meanwhile = async {
        tool.read_until("bot.out", "began", POD_TIME_MAX).await;
        eventually("the certificate is refused", POD_TIME_MAX, async || {
            let log = service.log();
            if log.iter().any(|line| line.contains(" 401 ")) { Ok(()) } else { Err(log) }
        })
        .await;
        write_pair(&tool, &world.issue(Subject::tool(&tool.name))).await;
        tokio::fs::write(tool.home.join("go"), "").await.unwrap();
    };
    let (output, ()) = tokio::join!(tool.command(&words), meanwhile);
    assert_eq!((output.code, output.stdout.as_str()), (7, "bot\nFailed\n"), "{output:#?}");
}

async fn write(tool: &Tool, file: &str, text: &str) {
    let file = tool.home.join(".toolskube").join(file);
    tokio::fs::write(&file, text).await.unwrap();
}

/// A pipe that nobody writes into, a link, a folder, and a device that never ends. The caller is
/// told quickly, and another tool does not notice.
async fn what_is_no_file_in_place_of_a_key_hangs_nobody(world: Arc<World>) {
    let neighbour = world.tool("calm").await;
    neighbour.list().await;
    for what in ["pipe", "link", "folder", "endless"] {
        let tool = world.tool(what).await;
        let file = tool.home.join(".toolskube/client.crt");
        tokio::fs::remove_file(&file).await.unwrap();
        match what {
            "pipe" => mknodat(CWD, &file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap(),
            "link" => symlink("/proc/self/environ", &file).unwrap(),
            "endless" => symlink("/dev/zero", &file).unwrap(),
            _ => tokio::fs::create_dir(&file).await.unwrap(),
        }
        let asked = async {
            let asked = (0..4).map(|_| tool.send(Call::get("/list/")));
            for answer in futures_util::future::join_all(asked).await {
                assert!([403, 503].contains(&answer.status), "{what}: {}", answer.text());
            }
        };
        let undisturbed = async {
            for _ in 0..10 {
                // A home that hangs is given up after 5 s.
                within("a neighbour's list", Duration::from_secs(4), neighbour.list()).await;
            }
        };
        let both = async { tokio::join!(asked, undisturbed) };
        within(&format!("an answer with a {what}"), Duration::from_secs(10), both).await;
    }
}

async fn a_home_without_credentials_is_told_so(world: Arc<World>) {
    let tool = world.tool("bare").await;
    tokio::fs::remove_dir_all(tool.home.join(".toolskube")).await.unwrap();
    tool.send(Call::run(&one_off("job", "true"))).await.expect_problem(403, "no-credentials");
    let nobody = world.issue(Subject::tool("e2e-without-a-home"));
    let answer = world.service().client(Some(&nobody)).send(Call::get("/list/")).await;
    answer.expect_problem(403, "no-credentials");
}

/// Right name and key, but of a CA that Kubernetes does not know.
async fn a_certificate_that_kubernetes_refuses_is_told_so(world: Arc<World>) {
    let tool = world.tool("unknown").await;
    let unknown = Authority::generate("nobody's");
    let identity = unknown.issue(Subject::tool(&tool.name));
    write_pair(&tool, &identity).await;
    tool.send(Call::get("/list/")).await.expect_problem(403, "credentials-rejected");
}

/// A tool that asks a service of the test's own, which talks to Kubernetes through a proxy.
async fn tool_behind_a_proxy(world: &World, purpose: &str) -> (Tool, DelayingProxy) {
    let proxy = DelayingProxy::start(&world.cluster.site.server, Duration::ZERO).await;
    let service = world.start_service_at(&proxy.url).await;
    (world.tool(purpose).await.through(&service), proxy)
}

async fn write_pair(tool: &Tool, identity: &Identity) {
    write(tool, "client.crt", &identity.certificate).await;
    write(tool, "client.key", &identity.key).await;
}

/// A handshake is dear, and a script may ask all day long.
async fn what_kubernetes_refused_is_not_shown_to_it_again(world: Arc<World>) {
    let (tool, proxy) = tool_behind_a_proxy(&world, "again").await;
    write_pair(&tool, &Authority::generate("nobody's").issue(Subject::tool(&tool.name))).await;
    let refused =
        async || tool.send(Call::get("/list/")).await.expect_problem(403, "credentials-rejected");
    refused().await;
    let connections = proxy.connections();
    assert!(connections > 0, "it was shown once");
    for _ in 0..50 {
        refused().await;
    }
    assert_eq!(proxy.connections(), connections);
    write_pair(&tool, &world.issue(Subject::tool(&tool.name))).await;
    eventually("the new pair is used", Duration::from_secs(15), async || {
        let answer = tool.send(Call::get("/list/")).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}

async fn a_certificate_that_has_ended_is_not_shown_at_all(world: Arc<World>) {
    let (tool, proxy) = tool_behind_a_proxy(&world, "ended").await;
    write_pair(&tool, &world.issue(Subject::tool(&tool.name).for_seconds(-60))).await;
    tool.send(Call::get("/list/")).await.expect_problem(403, "credentials-rejected");
    assert_eq!(proxy.connections(), 0);
}

/// Kubernetes breaks off the handshake, which must not look as if it were away.
async fn what_is_no_certificate_behind_a_good_one_is_told_as_the_homes(world: Arc<World>) {
    let (tool, _proxy) = tool_behind_a_proxy(&world, "chain").await;
    let Identity { certificate, key } = world.issue(Subject::tool(&tool.name));
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    write_pair(&tool, &Identity { certificate: certificate + nonsense, key }).await;
    tool.send(Call::get("/list/")).await.expect_problem(403, "credentials-rejected");
    let run = tool.send(Call::run(&one_off("job", "true"))).await;
    run.expect_problem(403, "credentials-rejected");
}
