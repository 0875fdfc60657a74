//! Health checks: who does not work is started anew, and that is told.

use std::{net::TcpListener, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tjf_api_types::{JobView, Phase};
use tjf_devcluster::suite::{Tool, World};
use tokio::fs;

use super::{POD_TIME_MAX, continuous, scenarios, with};

scenarios![
    a_job_whose_script_fails_is_started_anew_and_told,
    a_job_whose_port_does_not_answer_well_is_started_anew_and_told,
    a_job_that_starts_slowly_is_waited_for,
    a_script_has_what_the_program_has,
];

/// Three failures, ten seconds apart, and some time to end and to start.
const CHECK_TIME_MAX: Duration = Duration::from_secs(120);

fn checked(name: &str, cmd: &str, check: &Value) -> Value {
    with(continuous(name, cmd), &json!({"health_check": check}))
}

async fn until_running(tool: &Tool, name: &str) -> JobView {
    tool.until(name, POD_TIME_MAX, |job| job.status.phase == Phase::Running).await
}

/// Until its program was started anew, and while that is told.
async fn until_failed(tool: &Tool, name: &str) -> JobView {
    let is_told = |job: &JobView| job.status.reason.as_deref() == Some("HealthCheckFailed");
    let job = tool.until(name, CHECK_TIME_MAX, is_told).await;
    assert_eq!(job.status.phase, Phase::Pending, "{job:#?}");
    job
}

async fn remove(tool: &Tool, file: &str) {
    fs::remove_file(tool.home.join(file)).await.unwrap();
}

async fn a_job_whose_script_fails_is_started_anew_and_told(world: Arc<World>) {
    let tool = world.tool("script").await;
    let cmd = "[ -e broken ] || touch ok; echo began; trap 'echo ended; exit' TERM; while true; do sleep 0.1; done";
    let check = json!({"type": "script", "script": "test -e ok"});
    let job = tool.run(checked("bot", cmd, &check)).await;
    assert_eq!(json!(job.health_check)["script"], "test -e ok");
    until_running(&tool, "bot").await;
    fs::write(tool.home.join("broken"), "").await.unwrap();
    remove(&tool, "ok").await;
    let job = until_failed(&tool, "bot").await;
    let told = "its health check failed, since its script ended with another exit code than 0";
    assert!(job.status.message.as_ref().unwrap().starts_with(told), "{job:#?}");
    // It had time for its last words, and works again at some time.
    fs::write(tool.home.join("ok"), "").await.unwrap();
    let job = tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    assert_eq!(job.status.restarts, Some(1), "{job:#?}");
    assert_eq!(tool.read("bot.out").await, "began\nended\nbegan\n");
}

/// A port of this machine that nobody uses: on a real cluster every pod has all of them for itself.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

async fn a_job_whose_port_does_not_answer_well_is_started_anew_and_told(world: Arc<World>) {
    let tool = world.tool("http").await;
    let port = free_port();
    let cmd = format!(
        "mkdir -p www && {{ [ -e broken ] || touch www/healthz; }} && sleep 1
        if command -v busybox; then exec busybox httpd -f -p {port} -h www; fi
        exec python3 -m http.server -d www {port}"
    );
    let check = json!({"type": "http", "path": "/healthz"});
    tool.run(with(checked("web", &cmd, &check), &json!({"port": port}))).await;
    until_running(&tool, "web").await;
    fs::write(tool.home.join("broken"), "").await.unwrap();
    remove(&tool, "www/healthz").await;
    let job = until_failed(&tool, "web").await;
    let told = "its health check failed, since it was answered with 404; it is started again";
    assert!(job.status.message.as_ref().unwrap().starts_with(told), "{job:#?}");
    fs::write(tool.home.join("www/healthz"), "").await.unwrap();
    let job = until_running(&tool, "web").await;
    assert_eq!(job.status.restarts, Some(1), "{job:#?}");
}

/// A port alone is a check too: nobody is sent there before it can be connected to.
async fn a_job_that_starts_slowly_is_waited_for(world: Arc<World>) {
    let tool = world.tool("slow").await;
    let port = free_port();
    let serve = format!(
        "while [ ! -e go ]; do sleep 0.1; done
        if command -v busybox; then exec busybox httpd -f -p {port}; fi
        exec python3 -m http.server {port}"
    );
    tool.run(with(continuous("web", &serve), &json!({"port": port}))).await;
    let check = json!({"type": "script", "script": "test -e go"});
    tool.run(checked("bot", "exec sleep 3600", &check)).await;
    for (name, why) in [
        ("web", "nothing listens at its port"),
        ("bot", "its script ended with another exit code than 0"),
    ] {
        let told = format!("its program runs, and its health check has not succeeded yet: {why}");
        let is_told = |job: &JobView| job.status.message.as_deref() == Some(&*told);
        let job = tool.until(name, POD_TIME_MAX, is_told).await;
        assert_eq!((job.status.phase, job.status.reason), (Phase::Pending.into(), None));
        assert_eq!(job.status_short, "Waiting to start");
        let listed = tool.list().await;
        let listed = listed.iter().find(|job| job.name == name).unwrap();
        assert_eq!(listed.status.message.as_deref(), Some(&*told));
    }
    fs::write(tool.home.join("go"), "").await.unwrap();
    for name in ["web", "bot"] {
        let job = until_running(&tool, name).await;
        assert_eq!((job.status.restarts, job.status.reason), (Some(0), None));
    }
}

/// Variables of its own, the home, the folder, and what it says as it was written.
async fn a_script_has_what_the_program_has(world: Arc<World>) {
    let tool = world.tool("same").await;
    let tell = |file: &str| {
        format!(
            "printf '%s\\n' \"$A\" \"$HOME\" \"$PWD\" '$$ $(HOME) $(A)' \"$(echo $((1+2)))\" >{file}"
        )
    };
    let cmd = format!("{}; exec sleep 3600", tell("program"));
    let check = json!({"type": "script", "script": tell("script")});
    let env = json!({"env": {"A": "x $y $(HOME) $$", "-odd": "1"}});
    tool.run(with(checked("bot", &cmd, &check), &env)).await;
    until_running(&tool, "bot").await;
    let script = tool.read_until("script", "3\n", POD_TIME_MAX).await;
    assert_eq!(script, tool.read_until("program", "3\n", POD_TIME_MAX).await);
    let home = tool.home.to_str().unwrap();
    assert_eq!(script, format!("x $y $(HOME) $$\n{home}\n{home}\n$$ $(HOME) $(A)\n3\n"));
    let plain = json!({"type": "script", "script": "echo $$ >pid; test -e pid"});
    tool.run(checked("plain", "exec sleep 3600", &plain)).await;
    until_running(&tool, "plain").await;
    let pid: u32 = tool.read("pid").await.trim().parse().unwrap();
    assert!(pid > 0);
}
