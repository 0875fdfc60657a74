//! What a tool can't do with `kubectl` where `deploy/` has been installed: its policy says what pods in
//! a tool's namespace may be.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::{Value, json};
use tjf_api_types::Phase;
use tjf_devcluster::{
    Subject,
    suite::{Needs, Tool, World},
};

use super::{POD_TIME_MAX, continuous, one_off, pod_of, scenarios, with};

scenarios![
    the_keys_of_others_are_out_of_reach_of_a_pod: Needs::Installed,
    a_pod_is_neither_root_nor_more_than_a_container: Needs::Installed,
    a_container_that_is_added_to_a_pod_is_held_to_the_same: Needs::Installed,
];

/// A pod that is allowed: what is added to its container and to its specification makes it another.
fn pod(container: &Value, spec: &Value) -> Pod {
    let harmless = json!({"name": "c", "image": "tjf.local/busybox:1", "command": ["true"]});
    let spec = with(pod_of(&with(harmless, container)), spec);
    serde_json::from_value(json!({"metadata": {"name": "attack"}, "spec": spec})).unwrap()
}

/// The pods of its namespace, as the tool itself is let at them.
async fn own_pods(world: &World, tool: &Tool) -> Api<Pod> {
    let identity = world.issue(Subject::tool(&tool.name));
    let kubernetes = world.cluster.kubernetes(Some(&identity)).await;
    Api::namespaced(kubernetes, &format!("tool-{}", tool.name))
}

/// Asks whether a pod would be created. Gives why not.
async fn tried(pods: &Api<Pod>, pod: &Pod) -> Result<(), String> {
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    pods.create(&dry_run, pod).await.map(drop).map_err(|error| error.to_string())
}

/// Tries pods that all are refused, for a reason with these words.
async fn all_refused(pods: &Api<Pod>, words: &str, attacks: &[(Value, Value)]) {
    for (container, spec) in attacks {
        let refused = tried(pods, &pod(container, spec)).await;
        let why = refused.expect_err(&format!("{container} {spec}"));
        assert!(why.contains(words), "{container} {spec}: {why}");
    }
}

async fn the_keys_of_others_are_out_of_reach_of_a_pod(world: Arc<World>) {
    let tool = world.tool("thief").await;
    let homes = world.cluster.site.homes.to_str().unwrap().to_owned();
    let pods = own_pods(&world, &tool).await;
    let folder = |path: &str| {
        let volumes = json!([{"name": "v", "hostPath": {"path": path}}]);
        (json!({}), json!({"volumes": volumes}))
    };
    let home = format!("{homes}/{}", tool.name);
    let (nothing, own) = folder(&home);
    tried(&pods, &pod(&nothing, &own)).await.expect("its own home");
    // A folder below the home can be a link, which the node follows.
    let below = format!("{home}/link");
    let attacks = [homes.as_str(), "/", "/etc", &below, &format!("{home}x"), &format!("{home}/")];
    all_refused(&pods, "is the home", &attacks.map(folder)).await;
    let volume = |volume: Value| (json!({}), json!({"volumes": [volume]}));
    let nfs = json!({"name": "v", "nfs": {"server": "nfs.example.org", "path": homes}});
    all_refused(&pods, "is the home", &[volume(nfs)]).await;
    let csi = json!({"name": "v", "csi": {"driver": "any.example.org"}});
    all_refused(&pods, "a volume is", &[volume(csi)]).await;
    // What the service itself makes is allowed.
    tool.run(one_off("fine", "true")).await;
    assert_eq!(tool.ended("fine").await.status_short, "Completed");
}

async fn a_pod_is_neither_root_nor_more_than_a_container(world: Arc<World>) {
    let tool = world.tool("climber").await;
    let pods = own_pods(&world, &tool).await;
    tried(&pods, &pod(&json!({}), &json!({}))).await.expect("a harmless pod");
    let spec = |spec: Value| (json!({}), spec);
    let security = |context: Value| (json!({"securityContext": context}), json!({}));
    let init = json!([{"name": "i", "image": "any", "securityContext": {"runAsUser": 0}}]);
    all_refused(
        &pods,
        "runAsUser",
        &[
            spec(json!({"securityContext": {}})),
            spec(json!({"securityContext": {"runAsUser": 0}})),
            spec(json!({"initContainers": init})),
            security(json!({"runAsUser": 0})),
        ],
    )
    .await;
    all_refused(
        &pods,
        "namespaces and ports",
        &[
            spec(json!({"hostNetwork": true})),
            spec(json!({"hostPID": true})),
            spec(json!({"hostIPC": true})),
            (json!({"ports": [{"containerPort": 1, "hostPort": 1}]}), json!({})),
        ],
    )
    .await;
    all_refused(
        &pods,
        "no privileges",
        &[
            security(json!({"privileged": true})),
            security(json!({"capabilities": {"add": ["NET_RAW"]}})),
        ],
    )
    .await;
    let unconfined = json!({"seccompProfile": {"type": "Unconfined"}, "runAsUser": 54321});
    all_refused(
        &pods,
        "confinement",
        &[
            spec(json!({"securityContext": unconfined})),
            security(json!({"seccompProfile": {"type": "Unconfined"}})),
            security(json!({"appArmorProfile": {"type": "Unconfined"}})),
            spec(json!({"securityContext": {"runAsUser": 54321, "sysctls": [
                {"name": "kernel.shm_rmid_forced", "value": "1"},
            ]}})),
        ],
    )
    .await;
}

async fn a_container_that_is_added_to_a_pod_is_held_to_the_same(world: Arc<World>) {
    let tool = world.tool("adder").await;
    tool.run(continuous("bot", "exec sleep 3600")).await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    let pod = tool.pods_of("bot").await.pop().unwrap();
    let pods: Api<Pod> = tool.api();
    let added = |context: Value| -> Pod {
        let mut object = pod.clone();
        let container = json!({"name": "added", "image": "tjf.local/busybox:1",
            "command": ["true"], "securityContext": context});
        object.spec.as_mut().unwrap().ephemeral_containers =
            Some(vec![serde_json::from_value(container).unwrap()]);
        object
    };
    let harmless = json!({"runAsUser": 54321});
    let attack = json!({"runAsUser": 54321, "privileged": true});
    for (context, is_taken) in [(json!({}), false), (attack, false), (harmless, true)] {
        let pod = added(context.clone());
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        let name = pod.name_any();
        let answer = pods.replace_subresource("ephemeralcontainers", &name, &dry_run, &pod).await;
        assert_eq!(answer.is_ok(), is_taken, "{context}: {answer:?}");
    }
}
