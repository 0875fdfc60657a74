//! Whether two jobs were asked for alike.
//!
//! What is compared is what a reader is told, so that an object which was changed from outside is
//! another job than the one that was asked for. What the service made of a request, such as the image
//! behind a container's name or the minute of `@daily`, is not compared: nobody changed a job because
//! those change.

use tjf_api_types::JobView;

use super::quantity::{Amount, Cpu, Memory};

/// Whether one job is what another request would make.
pub fn is_defined_alike(one: &JobView, other: &JobView) -> bool {
    // Each field is named, so that a new one can't be forgotten.
    let JobView {
        name,
        uid: _,
        cmd,
        imagename,
        image: _,
        image_state: _,
        job_type,
        schedule,
        schedule_actual: _,
        timezone,
        continuous: _,
        filelog,
        filelog_stdout,
        filelog_stderr,
        memory,
        cpu,
        retry,
        timeout,
        replicas,
        port,
        port_protocol,
        health_check,
        emails,
        mount,
        env,
        created_at: _,
        deleting_since: _,
        status_short: _,
        status_long: _,
        status: _,
    } = one;
    *name == other.name
        && *cmd == other.cmd
        && *imagename == other.imagename
        && *job_type == other.job_type
        && *schedule == other.schedule
        && *timezone == other.timezone
        && *filelog == other.filelog
        && *filelog_stdout == other.filelog_stdout
        && *filelog_stderr == other.filelog_stderr
        && is_same::<Memory>(memory.as_deref(), other.memory.as_deref())
        && is_same::<Cpu>(cpu.as_deref(), other.cpu.as_deref())
        && *retry == other.retry
        && *timeout == other.timeout
        && *replicas == other.replicas
        && *port == other.port
        && *port_protocol == other.port_protocol
        && *health_check == other.health_check
        && *emails == other.emails
        && *mount == other.mount
        && *env == other.env
}

/// Whether two limits are the same, however either is written.
fn is_same<A: Amount>(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || A::stored(one) == A::stored(other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(more: &Value) -> JobView {
        let mut job = json!({
            "name": "a", "uid": "u", "cmd": "true", "imagename": "tf-busybox", "image": "x:1",
            "image_state": "stable", "job_type": "scheduled", "schedule": "@daily",
            "schedule_actual": "3 4 * * *", "timezone": "Etc/UTC", "continuous": false,
            "filelog": true, "filelog_stdout": "/h/a.out", "filelog_stderr": "/h/a.err",
            "memory": "1Gi", "cpu": null, "retry": 1, "timeout": null, "replicas": null,
            "emails": "none", "mount": "all", "env": {"A": "1"}, "created_at": "",
            "status_short": "", "status_long": "", "status": {},
        });
        for (key, value) in more.as_object().unwrap() {
            job[key] = value.clone();
        }
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn what_was_asked_for_makes_the_difference() {
        for more in [
            json!({"name": "b"}),
            json!({"cmd": "false"}),
            json!({"imagename": "other"}),
            json!({"job_type": "one-off"}),
            json!({"schedule": "@hourly"}),
            json!({"timezone": "Europe/Rome"}),
            json!({"filelog": false}),
            json!({"filelog_stdout": null}),
            json!({"filelog_stderr": "/dev/null"}),
            json!({"memory": "1G"}),
            json!({"memory": null}),
            json!({"cpu": "1"}),
            json!({"retry": 0}),
            json!({"timeout": 5}),
            json!({"replicas": 1}),
            json!({"port": 80}),
            json!({"port_protocol": "udp"}),
            json!({"health_check": {"type": "http", "path": "/"}}),
            json!({"emails": "all"}),
            json!({"mount": "none"}),
            json!({"env": {}}),
        ] {
            assert!(!is_defined_alike(&job(&json!({})), &job(&more)), "{more}");
            assert!(!is_defined_alike(&job(&more), &job(&json!({}))), "{more}");
        }
    }

    #[test]
    fn what_became_of_it_and_how_it_is_written_make_none() {
        for more in [
            json!({}),
            json!({"uid": "v", "created_at": "2026-01-01T00:00:00Z"}),
            json!({"image": "x:2", "image_state": "deprecated"}),
            json!({"schedule_actual": "7 5 * * *"}),
            json!({"memory": "1024Mi"}),
            json!({"status_short": "Running", "status": {"phase": "running"}}),
        ] {
            assert!(is_defined_alike(&job(&json!({})), &job(&more)), "{more}");
        }
    }
}
