//! Jobs with a port: a Service that comes with the job, goes with it, and is never somebody else's.

use std::sync::Arc;

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::{Endpoints, ReplicationController, Service};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Call, Needs, Tool, World, eventually};

use super::{
    POD_TIME_MAX, continuous, dry::dry, keys::keyed, one_off, room::set_quota, scenarios, with,
};

scenarios![
    a_service_comes_with_its_job_and_goes_with_it,
    a_service_leads_to_the_jobs_pods: Needs::RealCluster("only there is a network of pods"),
    a_strangers_service_keeps_its_name,
    a_quota_of_services_refuses_and_nothing_is_left,
    a_service_whose_job_has_gone_is_not_in_the_way,
    the_same_key_brings_the_service_that_a_crash_left_out,
    many_runs_of_one_name_with_a_port_make_one_job_and_its_service,
    what_cannot_have_a_port_is_refused_by_name,
    the_command_asks_for_a_port_and_load_keeps_it,
];

const SLEEP: &str = "exec sleep 3600";

/// A job that is reached at a port, and never checked: nothing speaks UDP there.
fn reached(name: &str) -> Value {
    with(continuous(name, SLEEP), &json!({"port": 8080, "port_protocol": "udp"}))
}

async fn services(tool: &Tool) -> Vec<String> {
    let all = tool.api::<Service>().list(&ListParams::default()).await.unwrap();
    all.items.iter().map(ResourceExt::name_any).collect()
}

async fn controllers(tool: &Tool) -> usize {
    let all = tool.api::<ReplicationController>().list(&ListParams::default()).await;
    all.unwrap().items.len()
}

/// A Service of this name that nobody here has made.
async fn make_service(tool: &Tool, name: &str, metadata: &Value) -> Service {
    let metadata = with(json!({"name": name}), metadata);
    let spec = json!({"selector": {"app": "a"}, "ports": [{"port": 80}]});
    let service = serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap();
    tool.api::<Service>().create(&PostParams::default(), &service).await.unwrap()
}

async fn a_service_comes_with_its_job_and_goes_with_it(world: Arc<World>) {
    let tool = world.tool("reached").await;
    for removal in ["delete", "flush"] {
        // Directly after the one before has gone.
        let job = tool.run(with(reached("web"), &json!({"replicas": 0}))).await;
        assert_eq!((job.port, job.port_protocol.as_ref().unwrap().as_str()), (Some(8080), "udp"));
        let other = tool.run(with(reached("web-2"), &json!({"port_protocol": "tcp"}))).await;
        tool.run(continuous("bot", SLEEP)).await;
        assert_eq!(services(&tool).await, ["web", "web-2"]);
        let service = tool.api::<Service>().get("web").await.unwrap();
        let owner = &service.owner_references()[0];
        assert_eq!((owner.uid.as_str(), owner.controller), (job.uid.as_str(), Some(true)));
        assert_eq!(service.labels()["app.kubernetes.io/created-by"], tool.name);
        let spec = service.spec.unwrap();
        assert_eq!(spec.selector.unwrap()["app.kubernetes.io/name"], "web");
        let port = &spec.ports.unwrap()[0];
        assert_eq!((port.port, port.protocol.as_deref()), (8080, Some("UDP")));
        let service = tool.api::<Service>().get("web-2").await.unwrap();
        assert_eq!(service.spec.unwrap().ports.unwrap()[0].protocol.as_deref(), Some("TCP"));

        let before = tool.api::<Service>().get("web-2").await.unwrap().uid();
        tool.send(Call::restart("web-2")).await.expect::<JobView>(200);
        assert_eq!(tool.api::<Service>().get("web-2").await.unwrap().uid(), before);
        assert_eq!(tool.show("web-2").await.uid, other.uid);

        if removal == "delete" {
            tool.delete("web").await;
            assert_eq!(services(&tool).await, ["web-2"]);
            tool.delete("web-2").await;
            tool.delete("bot").await;
        } else {
            tool.send(Call::flush()).await.expect::<Value>(200);
        }
        assert_eq!(services(&tool).await, [""; 0]);
    }
}

/// From another job's pod, and only to pods that work. By its address, since not every cluster has a
/// DNS.
async fn a_service_leads_to_the_jobs_pods(world: Arc<World>) {
    let tool = world.tool("served").await;
    let serve = "mkdir -p www && echo hello >www/index.html
        while [ ! -e go ]; do sleep 0.1; done; exec httpd -f -p 8080 -h www";
    let job = with(continuous("web", serve), &json!({"port": 8080, "replicas": 2}));
    tool.run(job).await;
    let ready = async || {
        let endpoints = tool.api::<Endpoints>().get("web").await;
        let subsets = endpoints.ok().and_then(|it| it.subsets).unwrap_or_default();
        subsets.iter().map(|it| it.addresses.as_ref().map_or(0, Vec::len)).sum::<usize>()
    };
    // Two programs run that nobody can connect to yet.
    tool.until("web", POD_TIME_MAX, |job| job.status.message.is_some()).await;
    assert_eq!(ready().await, 0);
    tokio::fs::write(tool.home.join("go"), "").await.unwrap();
    eventually("two endpoints", POD_TIME_MAX, async || match ready().await {
        2 => Ok(()),
        other => Err(other),
    })
    .await;
    tool.until("web", POD_TIME_MAX, |job| job.status_short.starts_with("Running")).await;
    let service = tool.api::<Service>().get("web").await.unwrap();
    let address = service.spec.unwrap().cluster_ip.unwrap();
    tool.run(one_off("near", &format!("wget -q -O - http://{address}:8080/"))).await;
    assert_eq!(tool.ended("near").await.status_short, "Completed");
    assert_eq!(tool.read("near.out").await, "hello\n");
}

async fn a_strangers_service_keeps_its_name(world: Arc<World>) {
    let tool = world.tool("stranger").await;
    let labels = json!({"labels": {"toolforge": "tool"}});
    let before = make_service(&tool, "web", &labels).await;
    for job in [reached("web"), with(reached("web"), &json!({"port_protocol": "tcp"}))] {
        let problem = tool.send(Call::run(&job)).await.expect_problem(409, "job-exists");
        assert!(problem.detail.contains("not a job of this service"), "{}", problem.detail);
        let problem = tool.send(dry(&job)).await.expect_problem(409, "job-exists");
        assert!(problem.detail.contains("not a job of this service"), "{}", problem.detail);
    }
    assert_eq!(controllers(&tool).await, 0);
    // A job without a port has nothing to do with it.
    tool.run(continuous("web", SLEEP)).await;
    tool.delete("web").await;
    let after = tool.api::<Service>().get("web").await.unwrap();
    assert_eq!((after.uid(), after.resource_version()), (before.uid(), before.resource_version()));
    tool.send(Call::flush()).await.expect::<Value>(200);
    assert_eq!(services(&tool).await, ["web"]);
}

async fn a_quota_of_services_refuses_and_nothing_is_left(world: Arc<World>) {
    let tool = world.tool("full").await;
    set_quota(&tool, json!({"services": "1"})).await;
    tool.run(reached("first")).await;
    for call in [Call::run(&reached("second")), dry(&reached("second"))] {
        let problem = tool.send(call).await.expect_problem(403, "quota-exceeded");
        for words in ["(services)", "1 asked, 1 used, 1 allowed"] {
            assert!(problem.detail.contains(words), "{}", problem.detail);
        }
    }
    assert_eq!((controllers(&tool).await, services(&tool).await.len()), (1, 1));
    let quota: Value = tool.send(Call::get("/quota/")).await.expect(200);
    let items = quota["categories"].as_array().unwrap().iter().flat_map(|category| {
        category["items"].as_array().unwrap().iter().map(|item| item.to_string())
    });
    let items: Vec<_> = items.filter(|item| item.contains("Jobs with a port")).collect();
    assert!(items.len() == 1 && items[0].contains(r#""limit":"1""#), "{items:?}");
    // One that is to be replaced makes room for its successor, and the place is free at once.
    tool.send(dry(&with(reached("first"), &json!({"port": 9})))).await.expect::<Value>(200);
    tool.delete("first").await;
    tool.run(reached("second")).await;
    assert_eq!(services(&tool).await, ["second"]);
}

/// Somebody deleted the job with other means, and Kubernetes has not come to its Service yet.
async fn a_service_whose_job_has_gone_is_not_in_the_way(world: Arc<World>) {
    let tool = world.tool("left").await;
    for _ in 0..5 {
        let job = tool.run(with(reached("web"), &json!({"replicas": 0}))).await;
        let before = tool.api::<Service>().get("web").await.unwrap().uid();
        let controllers = tool.api::<ReplicationController>();
        controllers.delete("web", &DeleteParams::background()).await.unwrap();
        let after = tool.run(with(reached("web"), &json!({"replicas": 0}))).await;
        let service = tool.api::<Service>().get("web").await.unwrap();
        assert_ne!((&after.uid, service.uid()), (&job.uid, before));
        assert_eq!(service.owner_references()[0].uid, after.uid);
        tool.delete("web").await;
    }
}

async fn the_same_key_brings_the_service_that_a_crash_left_out(world: Arc<World>) {
    let tool = world.tool("crash").await;
    let first: JobView = tool.send(keyed(&reached("web"), "k-1")).await.expect(201);
    let services = tool.api::<Service>();
    let uid = services.get("web").await.unwrap().uid();
    let again: JobView = tool.send(keyed(&reached("web"), "k-1")).await.expect(201);
    assert_eq!((&again.uid, services.get("web").await.unwrap().uid()), (&first.uid, uid));
    services.delete("web", &DeleteParams::default()).await.unwrap();
    let again: JobView = tool.send(keyed(&reached("web"), "k-1")).await.expect(201);
    assert_eq!(again.uid, first.uid);
    assert_eq!(services.get("web").await.unwrap().owner_references()[0].uid, first.uid);
    // Another port is another job.
    let other = with(reached("web"), &json!({"port": 8081}));
    tool.send(keyed(&other, "k-1")).await.expect_problem(400, "invalid-request");
}

/// Through two servers at once. Whoever is told "created" has the Service.
async fn many_runs_of_one_name_with_a_port_make_one_job_and_its_service(world: Arc<World>) {
    let tool = world.tool("race").await;
    let tools = [tool.clone(), tool.through(&world.start_service().await)];
    for round in 0..4 {
        let name = format!("web-{round}");
        let runs = (0..8).map(|number| {
            let tool = &tools[number % 2];
            // Not every one wants a port.
            let job = if number % 4 < 3 { reached(&name) } else { continuous(&name, SLEEP) };
            async move { tool.send(Call::run(&job)).await }
        });
        let answers = join_all(runs).await;
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(created.len(), 1, "{statuses:?}");
        let job: JobView = created[0].expect(201);
        assert_eq!(controllers(&tool).await, 1);
        let service = tool.api::<Service>().get_opt(&name).await.unwrap();
        assert_eq!(service.is_some(), job.port.is_some());
        if let Some(service) = service {
            assert_eq!(service.owner_references()[0].uid, job.uid);
        }
        tool.delete(&name).await;
        assert_eq!(services(&tool).await, [""; 0]);
    }
}

async fn what_cannot_have_a_port_is_refused_by_name(world: Arc<World>) {
    let tool = world.tool("by-name").await;
    let port = json!({"port": 8080});
    for (job, field) in [
        (with(one_off("a", "true"), &port), "port"),
        (with(reached("0-web"), &json!({})), "name"),
        (with(reached("web"), &json!({"port": 65536})), "port"),
        (with(continuous("web", SLEEP), &json!({"port_protocol": "udp"})), "port_protocol"),
        (with(continuous("web", SLEEP), &json!({"port_protocol": "sctp"})), "port_protocol"),
        (
            with(reached("web"), &json!({"health_check": {"type": "http", "path": "/"}})),
            "health_check",
        ),
        (with(reached("web"), &json!({"health_check": {"type": "http"}})), "health_check"),
        (with(reached("web"), &json!({"publish": "/"})), "publish"),
    ] {
        let problem = tool.send(Call::run(&job)).await.expect_problem(400, "invalid-request");
        assert_eq!(problem.field.as_deref(), Some(field), "{problem:?}");
    }
    let form = tool.send(Call::run_form("name=web&cmd=sleep+3600&type=tf-busybox&continuous=1&port=53&port_protocol=udp&replicas=0")).await;
    assert_eq!(form.expect::<JobView>(201).port, Some(53));
    assert_eq!(services(&tool).await, ["web"]);
}

async fn the_command_asks_for_a_port_and_load_keeps_it(world: Arc<World>) {
    let tool = world.tool("words").await;
    let run = ["run", "web", "--command", SLEEP, "--image", "tf-busybox", "--continuous"];
    let run = [&run[..], &["-p", "8080/udp", "--health-check-script", "true"]].concat();
    assert!(tool.command(&run).await.code == 0);
    let shown = tool.command(&["show", "web"]).await;
    let shown = shown.stdout;
    let address = format!("8080/udp, inside the cluster web.tool-{}.svc:8080", tool.name);
    assert!(shown.contains(&address) && shown.contains("by a script: true"), "{shown}");
    let file = tool.home.join("jobs.yaml");
    let file = file.to_str().unwrap();
    assert!(tool.command(&["dump", file]).await.code == 0);
    let dumped = tool.read("jobs.yaml").await;
    assert!(dumped.contains("  port: 8080/udp\n  health-check-script: 'true'\n"), "{dumped}");
    let uid = tool.show("web").await.uid;
    let loaded = tool.command(&["load", file]).await;
    assert_eq!(loaded.stdout, "web unchanged\n");
    assert_eq!(tool.show("web").await.uid, uid);
    // Another port is another job, with another Service.
    let changed = dumped.replace("8080/udp", "8081/udp");
    tokio::fs::write(file, changed).await.unwrap();
    let diff = tool.command(&["load", file, "--dry-run"]).await;
    let diff = diff.stdout;
    assert!(diff.contains("-  port: 8080/udp\n+  port: 8081/udp\n"), "{diff}");
    let loaded = tool.command(&["load", file]).await;
    assert_eq!(loaded.stdout, "web replaced\n");
    let service = tool.api::<Service>().get("web").await.unwrap();
    assert_eq!(service.spec.unwrap().ports.unwrap()[0].port, 8081);
}
