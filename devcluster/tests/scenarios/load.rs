//! The load test, from outside: what it counts is true, and it leaves nothing behind.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use tjf_devcluster::{
    Machine, Programs,
    suite::{Tool, World, run_program},
};

use super::{one_off, scenarios, with};

scenarios![a_load_test_counts_every_answer_and_takes_its_jobs_away,];

/// Requests of the stage, in two seconds.
const REQUESTS: u64 = 60;

async fn a_load_test_counts_every_answer_and_takes_its_jobs_away(world: Arc<World>) {
    let service = world.start_service().await;
    let tools = [world.tool("load").await, world.tool("load").await];
    // Another's job stays, whatever the load test takes away.
    let own = with(one_off("own", "true"), &json!({"schedule": "0 0 1 1 *"}));
    let asked = tools.each_ref().map(|tool| tool.through(&service));
    asked[0].run(own).await;
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str| folder.path().join(name);
    let report = measure(&world, &service, &tools, &written("report.json")).await;

    let stage = report["stages"].as_array().unwrap().last().unwrap();
    let rows = stage["rows"].as_array().unwrap();
    let count = |key: &str| rows.iter().map(|row| row[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((count("good"), count("failed")), (REQUESTS, 0), "{report:#}");
    assert_eq!(stage["unsent"], 0);
    for operation in ["list", "unchanged", "show", "containers", "run", "delete"] {
        let row = rows.iter().find(|row| row["operation"] == operation);
        let row = row.unwrap_or_else(|| panic!("no {operation}: {report:#}"));
        assert!(row["latency"]["p50_us"].as_u64() > Some(0), "{row}");
    }
    let compared = report["comparisons"][0]["rows"].as_array().unwrap();
    for thing in ["list", "direct", "beside"] {
        let row = compared.iter().find(|row| row["operation"] == thing).unwrap();
        assert!(row["good"].as_u64() > Some(0) && row["failed"] == 0, "{row}");
    }
    assert!(report["looks"][0]["service_rss_kib"].as_u64() > Some(1000));

    let left = asked[0].list().await;
    assert_eq!(left.iter().map(|job| job.name.as_str()).collect::<Vec<_>>(), ["own"]);
    assert!(asked[1].list().await.is_empty());
}

async fn measure(
    world: &World,
    service: &tjf_devcluster::Service,
    tools: &[Tool; 2],
    json: &PathBuf,
) -> Value {
    let program = Programs::build_load_test(&Machine::read().cargo).await.unwrap();
    let site = &world.cluster.site;
    let address = format!("https://{}", service.address);
    let (ca, pid) = (service.ca_file(), service.pid().to_string());
    let requests = REQUESTS.to_string();
    let files = [&ca, &site.homes, &site.ca, json].map(|file| file.to_str().unwrap());
    let mut words = vec!["--server", &address, "--ca", files[0], "--homes", files[1]];
    words.extend(["--tool", &tools[0].name, "--tool", &tools[1].name, "--jobs", "2"]);
    words.extend(["--rate", "30", "--time", "20", "--requests", &requests, "--comparison", "1"]);
    words.extend(["--mix", "list=2,unchanged=2,show=2,containers=1,run=2,delete=2"]);
    words.extend(["--kubernetes", &site.server, "--kubernetes-ca", files[2]]);
    words.extend(["--beside", &address, "--service-pid", &pid, "--json", files[3]]);
    // Where the API server of a real cluster is not on this machine.
    words.extend(["--not-on-this-machine", "--its-owner-agrees"]);
    let output = run_program(&program, &words, &[]).await;
    assert_eq!(output.code, 0, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("four LISTs, direct / list: p50 "), "{}", output.stdout);
    assert_eq!(output.stderr, "", "no bar where there is no terminal");
    serde_json::from_slice(&tokio::fs::read(json).await.unwrap()).unwrap()
}
