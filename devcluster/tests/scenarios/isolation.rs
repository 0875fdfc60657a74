//! What one tool can do to another: nothing.

use std::{fs::hard_link, net::SocketAddr, os::unix::fs::symlink, sync::Arc, time::Duration};

use hyper::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::ListParams};
use serde_json::{Value, json};
use tjf_api_types::{JobView, Phase};
use tjf_devcluster::{
    Authority, Subject,
    suite::{Answer, Call, Client, Needs, Tool, World},
};
use tokio::io::AsyncReadExt;

use super::{POD_TIME_MAX, continuous, one_off, scenarios, with};

scenarios![
    another_tools_jobs_cannot_be_seen_stopped_or_named,
    a_path_leads_nowhere_else,
    a_header_makes_nobody_somebody_else,
    a_forged_subject_is_believed_by_nobody,
    a_body_cannot_name_another_tool,
    a_link_to_another_tools_key_does_not_open_its_door,
    another_tools_certificate_in_the_home_does_not_open_its_door,
    a_log_path_through_a_link_does_not_touch_another_tools_file: Needs::Users,
    whoever_shows_no_good_certificate_is_turned_away: Needs::OwnDoor,
    a_proxys_word_is_refused_where_there_is_no_proxy: Needs::OwnDoor,
    whoever_goes_past_the_proxy_is_turned_away: Needs::Proxy,
];

/// Where a pod of the service has its API.
const POD_PORT: u16 = 8443;
/// A head, and its answer, are there at once.
const HEAD_TIME_MAX: Duration = Duration::from_secs(9);

/// A tool with a bot that runs.
async fn victim(world: &World) -> (Tool, JobView, String) {
    let tool = world.tool("victim").await;
    tool.run(continuous("secret", "echo here; exec sleep 3600")).await;
    let job = tool.until("secret", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    let pod = tool.pods_of("secret").await.pop().unwrap().uid().unwrap();
    (tool, job, pod)
}

/// Neither the job nor its pod is another than before.
async fn assert_unharmed((tool, job, pod): &(Tool, JobView, String)) {
    assert_eq!(tool.show("secret").await.uid, job.uid);
    let pods = tool.api::<Pod>().list(&ListParams::default()).await.unwrap().items;
    let pods: Vec<_> = pods.iter().filter_map(ResourceExt::uid).collect();
    assert_eq!(pods, std::slice::from_ref(pod));
}

/// The answer has nothing of the other tool.
#[track_caller]
fn assert_silent(answer: &Answer, victim: &Tool, job: &JobView) {
    let text = format!("{:?} {}", answer.headers, answer.text());
    for word in [victim.name.as_str(), &job.uid, "sleep 3600", "toolskube", "client.key"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
}

async fn another_tools_jobs_cannot_be_seen_stopped_or_named(world: Arc<World>) {
    let victim = victim(&world).await;
    let thief = world.tool("thief").await;
    for call in [Call::get("/show/secret/"), Call::delete("secret")] {
        thief.send(call).await.expect_problem(404, "job-not-found");
    }
    assert_eq!(thief.list().await, []);
    assert_eq!(thief.send(Call::flush()).await.expect::<Value>(200), json!({"deleted": []}));
    // The name is the thief's to take, in its own namespace.
    let own = thief.run(one_off("secret", "true")).await;
    assert_ne!(own.uid, victim.1.uid);
    thief.delete("secret").await;
    assert_unharmed(&victim).await;
}

async fn a_path_leads_nowhere_else(world: Arc<World>) {
    let victim = victim(&world).await;
    let (tool, job, _) = &victim;
    let thief = world.tool("paths").await;
    let namespace = format!("tool-{}", tool.name);
    let names = [
        format!("..%2F..%2F{namespace}%2Fsecret"),
        format!("..%2f..%2f..%2fnamespaces%2f{namespace}%2freplicationcontrollers%2fsecret"),
        format!("%2e%2e/%2e%2e/{namespace}/replicationcontrollers/secret"),
        format!("../../{namespace}/secret"),
        format!("{namespace}%2Fsecret"),
        format!("{namespace}%00secret"),
        format!("secret%3Fnamespace={namespace}"),
        format!("secret%23{namespace}"),
        format!("secret%0d%0aImpersonate-User:%20{}", tool.name),
        "..".to_owned(),
        "%2e%2e".to_owned(),
        ".".to_owned(),
    ];
    for name in &names {
        for (method, verb) in [(Method::GET, "show"), (Method::DELETE, "delete")] {
            let answer = thief.send(Call::new(method, &format!("/{verb}/{name}/"))).await;
            assert!([400, 404, 405].contains(&answer.status), "{verb} {name}: {}", answer.text());
            assert_silent(&answer, tool, job);
        }
    }
    for query in ["namespace", "tool", "user", "as"] {
        let call = Call::get(&format!("/list/?{query}={}", tool.name));
        let answer = thief.send(call).await;
        let problem = answer.expect_problem(400, "invalid-request");
        assert!(problem.detail.contains(query), "{problem:?}");
    }
    assert_unharmed(&victim).await;
}

async fn a_header_makes_nobody_somebody_else(world: Arc<World>) {
    let victim = victim(&world).await;
    let name = victim.0.name.clone();
    let thief = world.tool("heads").await;
    let subject = format!("CN={name},O=toolforge");
    for (header, value) in [
        ("impersonate-user", name.as_str()),
        ("x-remote-user", &name),
        ("x-forwarded-user", &name),
        ("x-forwarded-tls-client-cert-info", &subject),
        ("x-original-url", "/api/v1/show/secret/"),
        ("x-http-method-override", "DELETE"),
        ("authorization", "Bearer token"),
    ] {
        let answer = thief.send(Call::get("/list/").header(header, value)).await;
        assert_eq!(answer.expect::<Vec<Value>>(200), Vec::<Value>::new(), "{header}");
    }
    assert_unharmed(&victim).await;
}

/// A proxy replaces them, and the service refuses whoever shows them by its own door.
async fn a_forged_subject_is_believed_by_nobody(world: Arc<World>) {
    let victim = victim(&world).await;
    let thief = world.tool("forger").await;
    let name = &victim.0.name;
    let subject = format!("CN={name},O=toolforge");
    let escaped = format!("CN=%{:02x}{},O=toolforge", name.as_bytes()[0], &name[1..]);
    for headers in [
        format!("ssl-client-subject-dn: {subject}\r\nssl-client-verify: SUCCESS"),
        format!("SSL-Client-Subject-DN: {subject}\r\nSsl-Client-Verify: SUCCESS"),
        format!("ssl-client-subject-dn: {subject}\r\nssl-client-subject-dn: {subject}"),
        format!("ssl-client-subject-dn: {escaped}\r\nssl-client-verify: SUCCESS"),
        format!("ssl-client-subject-dn : {subject}\r\nssl-client-verify: SUCCESS"),
        format!("x: y\r\n ssl-client-subject-dn: {subject}\r\nssl-client-verify: SUCCESS"),
        format!("ssl-client-subject-dn: CN={name},\r\n O=toolforge"),
        format!("ssl_client_subject_dn: {subject}\r\nssl_client_verify: SUCCESS"),
        format!("ssl-client-issuer-dn: {subject}\r\nssl-client-cert: x"),
        "ssl-client-verify: SUCCESS".to_owned(),
        "ssl-client-verify: NONE".to_owned(),
    ] {
        let head = format!(
            "GET /api/v1/list/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\n"
        );
        let heard = thief.client.send_raw(head.as_bytes(), HEAD_TIME_MAX).await;
        let is_own = heard.starts_with("HTTP/1.1 200 ") && heard.contains("\r\n\r\n[]");
        assert!(is_own || heard.starts_with("HTTP/1.1 400 "), "{headers}: {heard}");
        assert!(!heard.contains(&victim.1.uid), "{headers}: {heard}");
    }
    assert_unharmed(&victim).await;
}

async fn a_proxys_word_is_refused_where_there_is_no_proxy(world: Arc<World>) {
    let thief = world.tool("heads").await;
    for header in ["ssl-client-subject-dn", "SSL-Client-Subject-DN"] {
        let call = Call::get("/list/").header(header, "CN=e2e-somebody,O=toolforge");
        let call = call.header("ssl-client-verify", "SUCCESS");
        assert_eq!(thief.send(call).await.status, 400);
    }
}

/// Straight to the pod behind the proxy, with the words that only a proxy may say.
async fn whoever_goes_past_the_proxy_is_turned_away(world: Arc<World>) {
    let victim = victim(&world).await;
    let thief = world.tool("past").await;
    let pod = SocketAddr::new(world.service().admin_address.ip(), POD_PORT);
    let as_the_proxy = world.issue(Subject::tool("toolforge-jobs-proxy"));
    let self_made = Authority::generate("proxies of toolforge-jobs");
    let self_made = self_made.issue(Subject::tool("toolforge-jobs-proxy"));
    let own = world.issue(Subject::tool(&thief.name));
    for identity in [None, Some(&own), Some(&as_the_proxy), Some(&self_made)] {
        let client = Client::new(pod, &world.service().ca, identity).expecting("localhost");
        let call = Call::get("/show/secret/").header("ssl-client-verify", "SUCCESS");
        let subject = format!("CN={},O=toolforge", victim.0.name);
        match client.try_send(call.header("ssl-client-subject-dn", &subject)).await {
            Ok(answer) => drop(answer.expect_problem(401, "unauthenticated")),
            Err(error) => {
                // The second, when the alert was quicker than the request.
                let causes = format!("{error:?}");
                let is_alert = ["AlertReceived", "Canceled"].iter().any(|it| causes.contains(it));
                assert!(is_alert, "{causes}");
            }
        }
    }
    assert_unharmed(&victim).await;
}

async fn a_body_cannot_name_another_tool(world: Arc<World>) {
    let victim = victim(&world).await;
    let name = &victim.0.name;
    let thief = world.tool("bodies").await;
    for field in ["namespace", "tool", "user", "created_by", "metadata", "runAsUser", "volumes"] {
        let job = with(one_off("mine", "true"), &json!({field: name}));
        let problem = thief.send(Call::run(&job)).await.expect_problem(400, "invalid-request");
        assert!(problem.detail.contains(field), "{problem:?}");
    }
    let elsewhere = victim.0.home.join("log").to_str().unwrap().to_owned();
    for path in [elsewhere, format!("../{name}/log"), "a/../../b".to_owned(), "/etc/passwd".into()]
    {
        let job = with(one_off("mine", "true"), &json!({"filelog_stdout": path}));
        let problem = thief.send(Call::run(&job)).await.expect_problem(400, "invalid-request");
        assert_eq!(problem.field.as_deref(), Some("filelog_stdout"), "{path}");
    }
    for bad in ["../secret", "secret/..", "Secret", "a.b", "", "-a", "a\n"] {
        let problem = thief.send(Call::run(&one_off(bad, "true"))).await;
        let problem = problem.expect_problem(400, "invalid-request");
        assert_eq!(problem.field.as_deref(), Some("name"), "{bad:?}");
    }
    assert_eq!(thief.list().await, []);
    assert_unharmed(&victim).await;
}

/// Each way to make the service read a neighbour's key: links from files, and from the folder that
/// holds them.
async fn a_link_to_another_tools_key_does_not_open_its_door(world: Arc<World>) {
    let victim = victim(&world).await;
    let theirs = victim.0.home.join(".toolskube");
    let name = &victim.0.name;
    let relative = std::path::PathBuf::from(format!("../../{name}/.toolskube"));
    let of_folder = format!("../{name}/.toolskube").into();
    for (purpose, target) in [
        ("files1", theirs.clone()),
        ("files2", relative),
        ("folder1", theirs.clone()),
        ("folder2", of_folder),
        ("hard", theirs.clone()),
    ] {
        let thief = world.tool(purpose).await;
        let folder = thief.home.join(".toolskube");
        tokio::fs::remove_dir_all(&folder).await.unwrap();
        if purpose.starts_with("folder") {
            symlink(&target, &folder).unwrap();
        } else {
            let link = if purpose == "hard" { hard_link } else { symlink };
            tokio::fs::create_dir(&folder).await.unwrap();
            for file in ["client.crt", "client.key"] {
                link(target.join(file), folder.join(file)).unwrap();
            }
        }
        // Where tools share a user, a hard link is to a file of one's own; but not with one's name.
        let is_own_file = purpose == "hard" && thief.uid == victim.0.uid;
        let slug = if is_own_file { "forbidden" } else { "no-credentials" };
        for call in [Call::get("/list/"), Call::get("/show/secret/"), Call::flush()] {
            let answer = thief.send(call).await;
            answer.expect_problem(403, slug);
            assert_silent(&answer, &victim.0, &victim.1);
        }
    }
    assert_unharmed(&victim).await;
}

async fn another_tools_certificate_in_the_home_does_not_open_its_door(world: Arc<World>) {
    let victim = victim(&world).await;
    let thief = world.tool_whose_home_holds("copy", &victim.0.identity).await;
    for call in [Call::get("/list/"), Call::delete("secret"), Call::flush()] {
        let answer = thief.send(call).await;
        // Our own word, not Kubernetes', which would refuse it too: nothing was asked in another's
        // name.
        let problem = answer.expect_problem(403, "forbidden");
        assert!(problem.detail.contains("certificate"), "{problem:?}");
        assert_silent(&answer, &victim.0, &victim.1);
    }
    assert_unharmed(&victim).await;
}

async fn a_log_path_through_a_link_does_not_touch_another_tools_file(world: Arc<World>) {
    let victim = world.tool("file").await;
    let file = victim.home.join("diary");
    tokio::fs::write(&file, "dear diary\n").await.unwrap();
    std::os::unix::fs::chown(&file, Some(victim.uid), Some(victim.gid)).unwrap();
    let thief = world.tool("pen").await;
    symlink(&file, thief.home.join("file")).unwrap();
    symlink(&victim.home, thief.home.join("folder")).unwrap();
    for (name, path) in [("file", "file"), ("folder", "folder/diary"), ("new", "folder/new")] {
        let logs = json!({"filelog_stdout": path, "filelog_stderr": path});
        thief.run(with(one_off(name, "echo scribble"), &logs)).await;
        let job = thief.ended(name).await;
        assert_eq!(job.status.reason.as_deref(), Some("LogNotWritable"), "{job:#?}");
    }
    assert_eq!(victim.read("diary").await, "dear diary\n");
    assert!(!victim.home.join("new").exists());
}

async fn whoever_shows_no_good_certificate_is_turned_away(world: Arc<World>) {
    const PATH: &str = "/containers/";
    let service = world.service();
    let name = "e2e-nobody";
    let foreign = world.issue(Subject::tool(name).of_organization("admins"));
    let answer = service.client(Some(&foreign)).send(Call::get(PATH)).await;
    answer.expect_problem(403, "forbidden");
    let two = world.issue(Subject::tool(name).and("e2e-somebody"));
    let answer = service.client(Some(&two)).send(Call::get(PATH)).await;
    answer.expect_problem(401, "unauthenticated");
    let answer = service.client(None).send(Call::get(PATH)).await;
    answer.expect_problem(401, "unauthenticated");
    for strange in ["", "../etc", "UPPER", "a b", "a.b", "x/../y", &"x".repeat(54)] {
        let strange = world.issue(Subject::tool(strange));
        let answer = service.client(Some(&strange)).send(Call::get(PATH)).await;
        assert_eq!(answer.status, 401, "{}", answer.text());
    }
    // What nobody we know has signed does not get as far as HTTP; nor does what has ended.
    let unknown = Authority::generate("kubernetes").issue(Subject::tool(name));
    let expired = world.issue(Subject::tool(name).for_seconds(-60));
    for identity in [unknown, expired] {
        let refused = async {
            // A TLS 1.3 client is told only when it first reads.
            let mut stream = service.client(Some(&identity)).connect().await?;
            stream.read_u8().await
        };
        let error = refused.await.expect_err("the handshake fails").to_string();
        assert!(error.contains("fatal alert"), "{error}");
    }
    // One that ends while the connection lives is refused at the next request.
    let brief = world.issue(Subject::tool(name).for_seconds(2));
    let client = service.client(Some(&brief));
    tjf_devcluster::suite::eventually(
        "the end of a certificate",
        Duration::from_secs(10),
        async || match client.try_send(Call::get(PATH)).await {
            Ok(answer) if answer.status == 200 => Err("still taken".to_owned()),
            outcome => Ok(outcome.is_ok_and(|answer| answer.status == 401)),
        },
    )
    .await;
}
