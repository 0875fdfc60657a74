//! The routes of the deployed service's command.

use http::Method;
use serde_json::{Value, json};

use super::Operation;
use crate::compat::{
    ChangedJob, Done, IMAGES, Images, JOB, JOBS, JobRequest, Jobs, OneJob, QUOTAS, Quotas, RESTART,
    Wanted,
};

/// What `run` may be refused for.
const OF_RUN: &[&str] =
    &["invalid-schedule", "invalid-container", "invalid-limits", "quota-exceeded", "job-exists"];

/// What is said of a route.
pub(super) fn of(method: &Method, pattern: &str) -> Option<Operation> {
    Some(match (method.as_str(), pattern) {
        ("GET", it) if it == IMAGES[0] => images(),
        ("GET", it) if it == JOBS[0] => list(),
        ("POST", it) if it == JOBS[0] => create(),
        ("PATCH", it) if it == JOBS[0] => replace(),
        ("DELETE", it) if it == JOBS[0] => flush(),
        ("GET", it) if it == JOB[0] => show(),
        ("DELETE", it) if it == JOB[0] => delete(),
        ("POST", it) if it == RESTART[0] => restart(),
        ("GET", it) if it == QUOTAS[0] => quotas(),
        _ => return None,
    })
}

fn images() -> Operation {
    let image = json!({"shortname": "python3.11", "image": "registry.example/python:3.11"});
    let example = json!({"images": [image], "messages": messages()});
    Operation::new("deployed_images", "List the containers on offer", "What jobs can run in.")
        .answers::<Images>("The containers.", example)
}

fn list() -> Operation {
    let description = "All jobs of the tool, sorted by name. With `include_unset=False` each has \
        only what was given for it, or what differs from the default, and one-offs that have ended \
        are left out: whoever asks for these jobs again changes nothing.";
    Operation::new("deployed_list", "List all jobs", description)
        .query::<Wanted>()
        .answers::<Jobs>("The jobs.", json!({"jobs": [job()], "messages": messages()}))
}

fn create() -> Operation {
    let description = "The name must be free among all kinds, but a one-off that has ended gives \
        its name up.";
    Operation::new("deployed_create", "Create a job", description)
        .body::<JobRequest>(requests())
        .creates::<OneJob>("The job was created.", one_job())
        .refuses(OF_RUN)
}

fn replace() -> Operation {
    let description = "Makes the job of this name what the request says. A job that is that \
        already, running or ended, is not touched. Another one is deleted, once Kubernetes would \
        take the new one, and the new one is created when the old one's pods are gone. What this \
        body can't say stays as it is: variables, the time zone of a schedule, and the time-out of \
        a one-off.";
    let nothing = "nothing changed: the job `bot` is defined like this already";
    let unchanged = json!({
        "job_changed": false, "job": job(), "messages": {"info": [nothing], "warning": []},
    });
    let changed = json!({"job_changed": true, "job": job(), "messages": messages()});
    Operation::new("deployed_replace", "Create or replace a job", description)
        .body::<JobRequest>(requests())
        .answers::<ChangedJob>("Nothing was changed.", unchanged)
        .creates::<ChangedJob>("The job was created, or created anew.", changed)
        .refuses(OF_RUN)
}

fn flush() -> Operation {
    let description = "With none there is nothing to do, which is not an error.";
    Operation::new("deployed_flush", "Delete all jobs", description)
        .answers::<Done>("The jobs are gone.", done())
}

fn show() -> Operation {
    let description = "`status.short` is `succeeded` or `failed` once a one-off has ended.";
    Operation::new("deployed_show", "Show a job", description)
        .answers::<OneJob>("The job as it is now.", one_job())
}

fn delete() -> Operation {
    let description = "Answers when its pods are gone.";
    Operation::new("deployed_delete", "Delete a job", description)
        .answers::<Done>("The job is gone.", done())
}

fn restart() -> Operation {
    let description = "New pods for a continuous job, and a run now of a scheduled one.";
    Operation::new("deployed_restart", "Start a job anew", description)
        .answers::<Done>("The job was started anew.", done())
        .refuses(&["quota-exceeded", "job-exists"])
}

fn quotas() -> Operation {
    let items = json!([{"name": "Running pods", "limit": "16", "used": "3"}]);
    let categories = json!([{"name": "Running jobs", "items": items}]);
    let example = json!({"quota": {"categories": categories}, "messages": messages()});
    let description = "Either all items of a category have `used`, or none.";
    Operation::new("deployed_quotas", "Tell limits and use", description)
        .answers::<Quotas>("The limits.", example)
}

fn messages() -> Value {
    json!({"info": [], "warning": []})
}

fn done() -> Value {
    json!({"messages": messages()})
}

fn one_job() -> Value {
    json!({"job": job(), "messages": messages()})
}

fn job() -> Value {
    json!({
        "name": "bot", "job_type": "continuous", "cmd": "./bot.py", "imagename": "python3.11",
        "image": "registry.example/python:3.11", "image_state": "stable", "continuous": true,
        "filelog": true, "filelog_stdout": "/data/project/example/bot.out",
        "filelog_stderr": "/data/project/example/bot.err", "retry": 0, "replicas": 1,
        "port": 8080, "port_protocol": "tcp", "health_check": {"type": "http", "path": "/"},
        "emails": "none", "mount": "all",
        "status": {"short": "running", "duration": "1h2m3s", "messages": ["Running for 1h2m"]},
        "status_short": "Running for 1h2m", "status_long": "Running for 1h2m.",
    })
}

/// One request of each version.
fn requests() -> Value {
    let today = json!({
        "name": "bot", "imagename": "python3.11", "cmd": "./bot.py", "job_type": "continuous",
        "port": "8080",
    });
    let before = json!({
        "name": "bot", "imagename": "python3.11", "cmd": "./bot.py", "filelog": true,
        "filelog_stdout": null, "filelog_stderr": null, "memory": null, "cpu": null,
        "emails": "none", "retry": 0, "continuous": true, "schedule": null, "replicas": null,
        "port": 8080, "health_check": null, "mount": "all",
    });
    json!({
        "16.2": {"summary": "As version 16.2 sends it.", "value": today},
        "16.1": {"summary": "As version 16.1 sends it.", "value": before},
    })
}
