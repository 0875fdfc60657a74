//! What is refused is told in one sentence of ours, as far as the command shows it.

use std::{sync::Arc, time::Duration};

use http::Method;
use tjf_devcluster::suite::{Call, End, Relay, Tool, World, within};
use tokio::fs;

use super::{BOTH, DEPLOYED, Person, both, must_end, scenarios, told};

scenarios![
    what_is_refused_is_told_in_a_sentence: BOTH,
    another_tools_jobs_are_not_shown: BOTH,
    a_service_that_is_away_or_blind_is_told: BOTH,
    where_it_is_switched_off_there_is_nothing_and_all_else_stays: BOTH,
];

/// It has time-outs of its own: a minute.
const TOLD_TIME_MAX: Duration = Duration::from_secs(70);
const DOWN: &str = "The jobs service seems to be down";

async fn what_is_refused_is_told_in_a_sentence(world: Arc<World>) {
    both(&world, "refusals", refusals).await;
}

async fn refusals(mut person: Person) {
    let cases = [
        &["run", "Bad_Name", "--command", "true", "--image", "tf-busybox"][..],
        &["run", "bot", "--command", "true", "--image", "tf-busybocks"],
        &["run", "bot", "--command", "true", "--image", "tf-busybox", "--schedule", "61 * * * *"],
        &["run", "bot", "--command", "true", "--image", "tf-busybox", "--mem", "64Gi"],
        &["run", "bot", "--command", "true", "--image", "tf-busybox", "--cpu", "much"],
        &["run", "bot", "--command", "true", "--image", "tf-busybox", "-o", "../x"],
        &[
            "run",
            "bot",
            "--command",
            "true",
            "--image",
            "tf-busybox",
            "--continuous",
            "--replicas",
            "17",
        ],
        &[
            "run",
            "bot",
            "--command",
            "true",
            "--image",
            "tf-busybox",
            "--continuous",
            "-p",
            "70000",
        ],
        &["show", "nope"],
        &["show", "Bad_Name"],
        &["delete", "nope"],
    ];
    let told = person.tell_all(&cases, 1).await;
    for (words, output) in cases.iter().zip(told) {
        let sentence = told::warnings(&output);
        assert_eq!((sentence.len(), output.stdout.as_str()), (1, ""), "{words:?}: {output:#?}");
        assert!(sentence[0].starts_with("ERROR: "), "{sentence:?}");
        assert!(!sentence[0].contains(['{', '}']), "{sentence:?}");
    }
    person.run("taken", "exec sleep 3600", &["--continuous"]).await;
    person.tell(&["run", "taken", "--command", "true", "--image", "tf-busybox"], 1).await;
    if person.is_today() {
        let publish = ["--continuous", "-p", "8080", "--publish"];
        let words = ["run", "bot", "--command", "true", "--image", "tf-busybox"];
        person.tell(&[&words[..], &publish].concat(), 1).await;
        person.tell(&[&words[..], &["--webservice"]].concat(), 1).await;
        person.tell(&["run", "--image", "tf-busybox", "--webservice"], 1).await;
    }
    assert_eq!(person.must(&["list", "-o", "name"], 0).await.stdout, "taken\n");
    person.compare("refusals");
}

async fn another_tools_jobs_are_not_shown(world: Arc<World>) {
    let (own, other) = tokio::join!(world.tool("own"), world.tool("other"));
    other.run(super::super::continuous("bot", "exec sleep 3600")).await;
    // The command asks for the jobs of the tool that the kubeconfig names.
    let kubeconfig = own.home.join(".kube/config");
    let text = fs::read_to_string(&kubeconfig).await.unwrap();
    let namespaces = [&own, &other].map(|tool| format!("tool-{}", tool.name));
    fs::write(&kubeconfig, text.replace(&namespaces[0], &namespaces[1])).await.unwrap();
    let path = format!("/jobs/v1/tool/{}/jobs/", other.name);
    own.send(Call::to(Method::GET, &path)).await.expect_problem(403, "forbidden");
    let refused = async |version| {
        for words in [&["list"][..], &["show", "bot"], &["images"], &["delete", "bot"], &["flush"]]
        {
            let output = own.deployed(version, words).await;
            must_end(&output, words, 1);
            let sentence = format!(
                "ERROR: this is the path of the tool `{}`, and your certificate is that of `{}`",
                other.name, own.name
            );
            assert_eq!((output.stdout.as_str(), told::warnings(&output)), ("", vec![sentence]));
        }
    };
    let [today, before] = DEPLOYED;
    tokio::join!(refused(today), refused(before));
    assert_eq!(other.list().await.len(), 1);
}

async fn a_service_that_is_away_or_blind_is_told(world: Arc<World>) {
    let api = world.cluster.site.server.strip_prefix("https://").unwrap();
    let road = Relay::start(api.trim_end_matches('/').parse().unwrap()).await;
    let blind = world.start_service_at(&format!("https://{}", road.address)).await;
    let tool = world.tool("away").await.through(&blind);
    tool.list().await;
    road.close();
    for version in DEPLOYED {
        // The service's own sentence is not shown for a 503, and nothing for nobody's answer.
        let words = ["run", "bot", "--command", "true", "--image", "tf-busybox"];
        assert_down(&tool, version, &words).await;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for version in DEPLOYED {
        let output = tool.deployed_at(free, version, &["list"]).await;
        must_end(&output, &["list"], 2);
        assert!(output.stderr.contains(DOWN), "{output:#?}");
    }
}

async fn assert_down(tool: &Tool, version: &str, words: &[&str]) {
    let output = within("an answer", TOLD_TIME_MAX, tool.deployed(version, words)).await;
    must_end(&output, words, 2);
    assert!(output.stderr.contains(DOWN), "{output:#?}");
}

async fn where_it_is_switched_off_there_is_nothing_and_all_else_stays(world: Arc<World>) {
    let service = world.start_service_with(&[("TJF_COMPAT", "off")]).await;
    let tool = world.tool("off").await.through(&service);
    let name = &tool.name;
    for (method, path) in [
        (Method::GET, format!("/jobs/v1/tool/{name}/jobs/")),
        (Method::POST, format!("/jobs/v1/tool/{name}/jobs/")),
        (Method::PATCH, format!("/v1/tool/{name}/jobs/")),
        (Method::DELETE, format!("/v1/tool/{name}/jobs/bot")),
        (Method::GET, format!("/v1/tool/{name}/quotas/")),
        (Method::GET, format!("/logs/v1/tool/{name}/job/bot/logs")),
        (Method::GET, "/jobs/v1/tool/another/images/".to_owned()),
    ] {
        // Not `send`, which holds answers to the document: that one has these routes.
        let mut answer = tool.client.follow(Call::to(method, &path)).await;
        assert_eq!((answer.status, answer.end().await), (404, End::Clean), "{path}");
        assert!(answer.text.contains("\"/problems/route-not-found\""), "{}", answer.text);
        assert!(!answer.text.contains("\"error\""), "{}", answer.text);
    }
    for version in DEPLOYED {
        must_end(&tool.deployed(version, &["list"]).await, &["list"], 1);
    }
    let words = ["run", "hello", "--command", "echo hi", "--image", "tf-busybox", "--wait"];
    let output = tool.command(&words).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, "hello\nCompleted\n"), "{output:?}");
    let words = ["list", "-o", "name"];
    assert_eq!(tool.command(&words).await.stdout, "hello\n");
}
