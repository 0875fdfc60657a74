//! Other ways to say the same: forms, and a shell script with nothing but curl.

use std::{path::Path, sync::Arc};

use hyper::Method;
use k8s_openapi::api::batch::v1::Job;
use serde_json::{Value, json};
use tjf_devcluster::{
    Machine,
    suite::{Call, Needs, World, run_program},
};

use super::scenarios;

scenarios![
    a_form_and_json_give_the_same_job,
    older_clients_are_understood_and_find_every_key,
    a_shell_script_with_curl_does_all_six: Needs::Program("curl"),
];

async fn a_form_and_json_give_the_same_job(world: Arc<World>) {
    let tool = world.tool("form").await;
    let in_json = json!({
        "name": "job", "cmd": "echo 'a & b' = c; echo $HOME", "imagename": "busybox",
        "filelog": true, "filelog_stdout": "a b.out", "memory": "100Mi", "cpu": "0.2",
        "retry": 2, "timeout": 600, "emails": "onfailure", "mount": "all",
    });
    let form = "name=job&cmd=echo+%27a+%26+b%27+%3D+c%3B+echo+%24HOME&type=busybox&filelog=Yes\
        &filelog_stdout=a%20b.out&filelog_stderr=&memory=100Mi&cpu=0.2&retry=2&timeout=600\
        &emails=onfailure&mount=all&schedule=&continuous=0";
    let mut seen = Vec::new();
    for call in [Call::run(&in_json), Call::run_form(form)] {
        // With a key of its own each would be another request.
        let call = call.header("idempotency-key", "the-same");
        let mut view: Value = tool.send(call).await.expect(201);
        let object = tool.api::<Job>().get("job").await.unwrap();
        let mut spec = serde_json::to_value(object.spec.unwrap()).unwrap();
        // What is this very object's own.
        view["uid"].take();
        view["created_at"].take();
        spec["selector"].take();
        let labels = spec["template"]["metadata"]["labels"].as_object_mut().unwrap();
        labels.retain(|key, _| !key.contains("controller-uid"));
        let annotations = object.metadata.annotations.unwrap();
        seen.push((view, spec, annotations["jobs.toolforge.org/spec"].clone()));
        tool.delete("job").await;
    }
    assert_eq!(seen[0], seen[1]);

    for (form, field) in [
        ("cmd=true&imagename=tf-busybox&continuous=maybe", "continuous"),
        ("cmd=true&imagename=tf-busybox&retry=two", "retry"),
        ("cmd=true&imagename=tf-busybox&wiat=1", "wiat"),
        ("cmd=&imagename=tf-busybox", "cmd"),
    ] {
        let problem = tool.send(Call::run_form(form)).await;
        let problem = problem.expect_problem(400, "invalid-request");
        assert!(
            problem.detail.contains(field) || problem.field.as_deref() == Some(field),
            "{form}"
        );
    }
}

/// Every key of a job's answer, whatever the job is.
const KEYS: &str = "cmd continuous cpu created_at deleting_since emails env filelog filelog_stderr \
                    filelog_stdout image image_state imagename job_type memory mount name replicas \
                    retry schedule schedule_actual status status_long status_short timeout \
                    timezone uid";
const STATUS_KEYS: &str = "attempts exit_code finished_at last_run last_scheduled_at message \
                           next_scheduled_at oom_killed phase reason restarts signal started_at";

fn assert_complete(job: &Value) {
    for (object, keys) in [(job, KEYS), (&job["status"], STATUS_KEYS)] {
        for key in keys.split_whitespace() {
            assert!(object.get(key).is_some(), "{key} is not in {object}");
        }
    }
}

/// A row for each habit: of fields, of words for yes and no, and of slashes at the end.
async fn older_clients_are_understood_and_find_every_key(world: Arc<World>) {
    let tool = world.tool("older").await;
    for (form, slash, filelog) in [
        ("name=a&cmd=true&type=tf-busybox", "/", true),
        ("name=a&cmd=true&container=tf-busybox", "", true),
        ("name=a&cmd=true&image=tf-busybox&filelog=True", "/", true),
        ("name=a&cmd=true&imagename=tf-busybox&filelog=False", "", false),
        ("name=a&cmd=true&imagename=tf-busybox&filelog=true&schedule=&continuous=", "/", true),
        ("name=a&cmd=true&type=busybox&filelog=0&continuous=false&emails=none", "", false),
        ("name=a&cmd=sleep+600&type=tf-busybox&continuous=True", "/", true),
        ("name=a&cmd=true&type=tf-busybox&schedule=5+4+*+*+*&filelog=1", "", true),
    ] {
        let call = |method, path: &str| Call::new(method, &format!("{path}{slash}"));
        let run = call(Method::POST, "/run")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let job: Value = tool.send(run).await.expect(201);
        let shown: Value = tool.send(call(Method::GET, "/show/a")).await.expect(200);
        let listed: Value = tool.send(call(Method::GET, "/list")).await.expect(200);
        for job in [&job, &shown, &listed[0]] {
            assert_complete(job);
            assert_eq!(
                (&job["imagename"], &job["filelog"]),
                (&json!("tf-busybox"), &json!(filelog))
            );
        }
        let deleted: Value = tool.send(call(Method::DELETE, "/delete/a")).await.expect(200);
        assert_eq!(deleted, json!({"deleted": ["a"]}));
        let flushed: Value = tool.send(call(Method::DELETE, "/flush")).await.expect(200);
        assert_eq!(flushed, json!({"deleted": []}));
        let of = ["/containers", "/images"].map(|path| tool.send(call(Method::GET, path)));
        let [containers, images] = futures_util::future::join_all(of).await.try_into().unwrap();
        assert_eq!(containers.expect::<Value>(200), images.expect::<Value>(200));
        // What they read of an error.
        let problem: Value = tool.send(call(Method::GET, "/show/a")).await.expect(404);
        assert!(problem["message"].as_str().is_some_and(|text| text == problem["detail"]));
    }
}

/// The endpoints from a shell, as a person without the command would use them.
const SCRIPT: &str = r#"
set -eu
jobs() {
    curl --silent --show-error --fail --cacert "$TOOLFORGE_JOBS_CA" \
        --cert "$HOME/.toolskube/client.crt" --key "$HOME/.toolskube/client.key" "$@"
}
api=$TOOLFORGE_JOBS_SERVER/api/v1

jobs "$api/containers/" | grep -q '"shortname":"tf-busybox"'
jobs "$api/run/" --data-urlencode name=hello --data-urlencode 'cmd=echo hello > greeting' \
    --data-urlencode imagename=tf-busybox >/dev/null
looks=0
until jobs "$api/show/hello/" | grep -q '"status_short":"Completed"'; do
    looks=$((looks + 1))
    [ $looks -lt 60 ]
    sleep 1
done
jobs "$api/run/" --header 'content-type: application/json' --data '{
    "name": "bot", "cmd": "sleep 3600", "imagename": "tf-busybox", "continuous": true
}' >/dev/null
jobs "$api/list/" | grep -o '"name":"[a-z]*"'
jobs --request DELETE "$api/delete/hello/"; echo
jobs --request DELETE "$api/flush/"; echo
jobs "$api/list/"; echo
"#;

async fn a_shell_script_with_curl_does_all_six(world: Arc<World>) {
    let tool = world.tool("curl").await;
    let server = format!("https://{}", tool.service().address);
    let ca = tool.service().ca_file();
    let path = Machine::read().path;
    let variables = [
        ("PATH", path.as_os_str()),
        ("HOME", tool.home.as_os_str()),
        ("TOOLFORGE_JOBS_SERVER", server.as_ref()),
        ("TOOLFORGE_JOBS_CA", ca.as_os_str()),
    ];
    let shell = Path::new("/bin/sh");
    let output = run_program(shell, &["-c", SCRIPT], &variables).await;
    let expected = "\"name\":\"bot\"\n\"name\":\"hello\"\n\
        {\"deleted\":[\"hello\"]}\n{\"deleted\":[\"bot\"]}\n[]\n";
    assert_eq!((output.code, output.stdout.as_str()), (0, expected), "{output:?}");
    assert_eq!(tool.read("greeting").await, "hello\n");
}
