//! What a job is, when its object was left alone, was changed, or is another program's.

use super::*;
use crate::job::{
    Job, JobKind, Logs, Spec,
    manifest::{self, HomeVolume, Owner, PodSettings},
};

#[test]
fn a_job_without_a_readable_request_is_listed_as_far_as_it_can_be_understood() {
    let container = json!({
        "image": "registry.example/gone:1", "command": ["sh", "-c"], "args": ["echo 'hi' $HOME"],
    });
    let template = json!({"template": {"spec": {"containers": [container]}}});
    let annotations = [
        json!({}),
        json!({"jobs.toolforge.org/spec": "garbage"}),
        json!({"jobs.toolforge.org/spec": "{}"}),
        json!({"jobs.toolforge.org/spec": kept_text("continuous")}),
    ];
    for annotations in annotations {
        let more = json!({"metadata": {"annotations": annotations}, "spec": template});
        let objects = Objects { jobs: vec![job(&more)], ..Objects::default() };
        let view = view(&objects);
        assert_eq!(view.cmd, r"sh -c 'echo '\''hi'\'' $HOME'", "{annotations}");
        assert_eq!(view.imagename, "registry.example/gone:1");
        assert_eq!(view.image, "registry.example/gone:1");
        assert_eq!(view.image_state, ContainerState::Deprecated);
        assert_eq!(
            (view.job_type, view.retry, view.filelog),
            (JobType::OneOff.into(), Some(0), Some(false))
        );
    }
}

#[test]
fn an_image_on_offer_has_its_short_name_also_in_another_programs_job() {
    for (image, name, state) in [
        ("registry.example/busybox:1", "tf-busybox", ContainerState::Stable),
        ("registry.example/old:1", "tf-old", ContainerState::Deprecated),
    ] {
        let more = json!({"spec": {"template": {"spec": {"containers": [{"image": image}]}}}});
        let objects = Objects { jobs: vec![job(&more)], ..Objects::default() };
        let view = view(&objects);
        assert_eq!((view.imagename.as_str(), view.image_state), (name, state.into()));
    }
}

#[test]
fn another_programs_cron_job_and_controller_are_understood_too() {
    let cronjob = json!({"spec": {
        "schedule": "@daily",
        "timeZone": null,
        "jobTemplate": {"spec": {"backoffLimit": 6, "activeDeadlineSeconds": 60}},
    }});
    let objects = Objects { cronjobs: vec![self::cronjob(&cronjob)], ..Objects::default() };
    let scheduled = view(&objects);
    assert_eq!(scheduled.schedule.as_deref(), Some("@daily"));
    assert_eq!((scheduled.retry, scheduled.timeout), (Some(6), Some(60)));
    assert_eq!((scheduled.timezone, scheduled.status.next_scheduled_at), (None, None));

    let replicas = json!({"spec": {"replicas": 300}});
    let objects = Objects { controllers: vec![controller(&replicas)], ..Objects::default() };
    let continuous = view(&objects);
    assert_eq!((continuous.replicas, continuous.retry), (Some(300), None));
    assert_eq!(continuous.continuous, Some(true));
}

fn kept_text(job_type: &str) -> String {
    let mut spec = json!({
        "cmd": "echo $HOME", "imagename": "tf-busybox", "job_type": job_type,
        "logs": {"stdout": "/data/project/tf-test/a.out", "stderr": "/dev/null"},
        "memory": "1Gi", "emails": "onfailure", "env": {"A": "b"},
    });
    match job_type {
        "continuous" => spec["replicas"] = json!(2),
        _ => spec["retry"] = json!(3),
    }
    spec.to_string()
}

/// A job with its request, as our own manifest makes it; `more` is put over its object.
pub(super) fn made(kind: &JobKind, logs: Option<Logs>, more: &Value) -> Value {
    let spec = Spec {
        cmd: "echo $HOME '$$'".to_owned(),
        imagename: "tf-busybox".to_owned(),
        kind: kind.clone(),
        logs,
        memory: Some("1Gi".parse().unwrap()),
        cpu: None,
        emails: Emails::OnFailure,
        mount: Mount::All,
        env: [("A".to_owned(), "b".to_owned())].into(),
        given: crate::job::given::Given::default(),
        idempotency_key: None,
    };
    let job = Job {
        name: "a".parse().unwrap(),
        tool: "tf-test".parse().unwrap(),
        image: "registry.example/busybox:1".to_owned(),
        spec,
    };
    let settings = PodSettings {
        homes: "/data/project".to_owned(),
        home_volume: HomeVolume::HostPath,
        job_ttl_seconds: 60,
    };
    let mut object = manifest::of(&job, &settings, Owner::of_home(1, 1)).unwrap();
    merge(&mut object, &json!({"metadata": {"uid": "u-a", "creationTimestamp": CREATED}}));
    merge(&mut object, more);
    object
}

fn logs() -> Option<Logs> {
    let path = |end: &str| format!("/data/project/tf-test/{end}");
    Some(Logs { stdout: path("a.out"), stderr: path("a $x.err") })
}

const ONE_OFF: JobKind = JobKind::OneOff { retry: 3, timeout: Some(60) };
const CONTINUOUS: JobKind = JobKind::Continuous { replicas: 2, port: None, health_check: None };

fn scheduled() -> JobKind {
    JobKind::Scheduled {
        schedule: "@daily".to_owned(),
        schedule_actual: "7 3 * * *".to_owned(),
        timezone: "Europe/Zurich".to_owned(),
        retry: 0,
        timeout: None,
    }
}

pub(super) fn view_of(kind: &JobKind, object: Value) -> JobView {
    let mut objects = Objects::default();
    match kind {
        JobKind::OneOff { .. } => objects.jobs.push(read(object)),
        JobKind::Scheduled { .. } => objects.cronjobs.push(read(object)),
        JobKind::Continuous { .. } => objects.controllers.push(read(object)),
    }
    view(&objects)
}

#[test]
fn what_was_asked_for_is_told_as_it_was_typed() {
    for kind in [ONE_OFF, scheduled(), CONTINUOUS] {
        for logs in [logs(), None] {
            let view = view_of(&kind, made(&kind, logs.clone(), &json!({})));
            assert_eq!(view.cmd, "echo $HOME '$$'");
            assert_eq!(
                (view.imagename.as_str(), view.filelog),
                ("tf-busybox", Some(logs.is_some()))
            );
            let (stdout, stderr) = logs.map(|it| (it.stdout, it.stderr)).unzip();
            assert_eq!((view.filelog_stdout, view.filelog_stderr), (stdout, stderr));
            assert_eq!((view.memory.as_deref(), view.cpu), (Some("1Gi"), None));
            assert_eq!((view.emails, view.mount), (Emails::OnFailure.into(), Mount::All.into()));
            assert_eq!((view.env["A"].as_str(), view.created_at.as_str()), ("b", CREATED));
            assert!(!view.status_long.contains("changed"), "{}", view.status_long);
        }
    }
    let one_off = view_of(&ONE_OFF, made(&ONE_OFF, None, &json!({})));
    assert_eq!((one_off.retry, one_off.timeout, one_off.replicas), (Some(3), Some(60), None));
    let scheduled = view_of(&scheduled(), made(&scheduled(), None, &json!({})));
    assert_eq!(scheduled.schedule.as_deref(), Some("@daily"));
    assert_eq!(scheduled.schedule_actual.as_deref(), Some("7 3 * * *"));
    assert_eq!(scheduled.timezone.as_deref(), Some("Europe/Zurich"));
    let continuous = view_of(&CONTINUOUS, made(&CONTINUOUS, None, &json!({})));
    assert_eq!((continuous.replicas, continuous.retry), (Some(2), None));
}

/// What the pods of an object of any kind are made from.
fn template(object: &mut Value) -> &mut Value {
    let spec = &mut object["spec"];
    let job = if spec["jobTemplate"].is_object() { &mut spec["jobTemplate"]["spec"] } else { spec };
    &mut job["template"]
}

/// Puts a change over the only container of an object of any kind.
pub(super) fn in_container(object: &mut Value, change: &Value) {
    merge(&mut template(object)["spec"]["containers"][0], change);
}

#[test]
fn what_was_changed_from_outside_is_told_as_it_is_and_by_its_name() {
    let table: [(JobKind, Value, Value, &str); 7] = [
        (CONTINUOUS, json!({"replicas": 3}), json!({"replicas": 3}), "replicas"),
        (
            scheduled(),
            json!({"schedule": "0 12 * * *"}),
            json!({"schedule": "0 12 * * *", "schedule_actual": "0 12 * * *"}),
            "schedule",
        ),
        (scheduled(), json!({"timeZone": "Etc/UTC"}), json!({"timezone": "Etc/UTC"}), "timezone"),
        (scheduled(), json!({"timeZone": null}), json!({"timezone": null}), "timezone"),
        (
            scheduled(),
            json!({"jobTemplate": {"spec": {"backoffLimit": 6, "activeDeadlineSeconds": 9}}}),
            json!({"retry": 6, "timeout": 9}),
            "retry`, `timeout",
        ),
        (ONE_OFF, json!({"activeDeadlineSeconds": null}), json!({"timeout": null}), "timeout"),
        (ONE_OFF, json!({"backoffLimit": 300}), json!({"retry": 300}), "retry"),
    ];
    for (kind, spec, holds, fields) in table {
        let told = view_of(&kind, made(&kind, logs(), &json!({"spec": spec})));
        let told_as_json = serde_json::to_value(&told).unwrap();
        for (field, value) in holds.as_object().unwrap() {
            assert_eq!(told_as_json[field], *value, "{field} after {spec}");
        }
        let sentence = format!("it was changed from outside: `{fields}`");
        assert!(told.status_long.contains(&sentence), "{}", told.status_long);
        assert!(told.status.message.unwrap().contains(&sentence));
    }
}

#[test]
fn a_limit_is_compared_by_its_value_and_told_as_the_object_has_it() {
    for (limits, memory, cpu, changed) in [
        (json!({"memory": "1024Mi"}), Some("1Gi"), None, None),
        (json!({"memory": "1073741824"}), Some("1Gi"), None, None),
        (json!({"memory": "2Gi"}), Some("2Gi"), None, Some("`memory`")),
        (json!({"memory": null}), None, None, Some("`memory`")),
        (json!({"memory": "1Gi", "cpu": "2"}), Some("1Gi"), Some("2"), Some("`cpu`")),
        (json!({"memory": "much"}), Some("much"), None, Some("`memory`")),
    ] {
        let mut object = made(&ONE_OFF, None, &json!({}));
        in_container(&mut object, &json!({"resources": {"limits": limits}}));
        let view = view_of(&ONE_OFF, object);
        assert_eq!((view.memory.as_deref(), view.cpu.as_deref()), (memory, cpu), "{limits}");
        assert_eq!(view.status_long.contains("changed from outside"), changed.is_some());
        assert!(view.status_long.contains(changed.unwrap_or_default()), "{}", view.status_long);
    }
}

#[test]
fn a_command_that_was_changed_is_told_and_another_versions_script_is_not_a_change() {
    let argv = |script: &str, cmd: &str, stdout: &str, stderr: &str| json!({"command": ["/bin/sh", "-c", script, "toolforge-job", "A=b", cmd, stdout, stderr]});
    let home = "/data/project/tf-test";
    let (out, err) = (format!("{home}/a.out"), format!("{home}/a $$x.err"));
    let cmd = "echo $$HOME '$$$$'";
    let nowhere = "/dev/null";
    let program = json!({"command": ["python3", "bot.py"], "args": ["--all $$x"]});
    // `env` would run it.
    let stray = json!({
        "command": ["sh", "-c", "s", "toolforge-job", "stray", "x", nowhere, nowhere],
    });
    for (container, shown, filelog, changed) in [
        (argv("a newer $$script", cmd, &out, &err), "echo $HOME '$$'", true, None),
        (argv("s", "echo $$x", &out, &err), "echo $x", true, Some("`cmd`")),
        (argv("s", cmd, "/tmp/x", &err), "echo $HOME '$$'", true, Some("`filelog_stdout`")),
        (
            argv("s", cmd, nowhere, nowhere),
            "echo $HOME '$$'",
            false,
            Some("`filelog_stdout`, `filelog_stderr`"),
        ),
        (program, "python3 bot.py '--all $$x'", false, Some("`cmd`")),
        (stray, "sh -c s toolforge-job stray x /dev/null /dev/null", false, Some("`cmd`")),
    ] {
        let mut object = made(&CONTINUOUS, logs(), &json!({}));
        in_container(&mut object, &container);
        let view = view_of(&CONTINUOUS, object);
        assert_eq!((view.cmd.as_str(), view.filelog), (shown, Some(filelog)), "{container}");
        assert_eq!(view.status_long.contains("changed from outside"), changed.is_some());
        assert!(view.status_long.contains(changed.unwrap_or_default()), "{}", view.status_long);
    }
}

#[test]
fn labels_that_were_changed_are_told_as_they_are() {
    let (emails, mount) = ("jobs.toolforge.org/emails", "toolforge.org/mount-storage");
    for (label, value, (held_emails, held_mount), changed) in [
        (emails, json!("onfailure"), (Emails::OnFailure, Mount::All), None),
        (emails, json!("all"), (Emails::All, Mount::All), Some("`emails`")),
        (emails, json!("onfinish"), (Emails::OnFinish, Mount::All), Some("`emails`")),
        (emails, json!("none"), (Emails::None, Mount::All), Some("`emails`")),
        (emails, json!("sometimes"), (Emails::None, Mount::All), Some("`emails`")),
        (emails, json!(null), (Emails::None, Mount::All), Some("`emails`")),
        (mount, json!("all"), (Emails::OnFailure, Mount::All), None),
        (mount, json!("none"), (Emails::OnFailure, Mount::None), Some("`mount`")),
        (mount, json!("some"), (Emails::OnFailure, Mount::None), Some("`mount`")),
        (mount, json!(null), (Emails::OnFailure, Mount::None), Some("`mount`")),
    ] {
        for kind in [ONE_OFF, scheduled(), CONTINUOUS] {
            // Those of the pods count, not those of the object.
            let elsewhere = json!({"metadata": {"labels": {emails: "none", mount: "none"}}});
            let mut object = made(&kind, None, &elsewhere);
            merge(&mut template(&mut object)["metadata"]["labels"], &json!({label: value}));
            let view = view_of(&kind, object);
            assert_eq!(view.emails, held_emails, "{label}: {value}");
            assert_eq!(view.mount, held_mount, "{label}: {value}");
            assert_told_as_changed(&view, changed);
        }
    }
}

/// `changed` has the only field in which an object differs from its request.
#[track_caller]
fn assert_told_as_changed(view: &JobView, changed: Option<&str>) {
    let sentence = changed.map(|field| format!("it was changed from outside: {field}"));
    assert_eq!(view.status.message, sentence, "{}", view.status_long);
    assert_eq!(view.status_long.contains("changed"), changed.is_some(), "{}", view.status_long);
}

#[test]
fn variables_that_were_changed_are_told_as_the_program_gets_them() {
    let argv = |variables: &[&str]| {
        let mut argv = vec!["/bin/sh", "-c", "s", "toolforge-job"];
        argv.extend(variables);
        argv.extend(["echo $$HOME '$$$$'", "/dev/null", "/dev/null"]);
        json!({"command": argv})
    };
    let env = |more: Value| json!({"env": [{"name": "HOME", "value": "/data/project/x"}, more]});
    let from = json!({"secretKeyRef": {"name": "secret", "key": "key"}});
    for (container, holds, is_changed) in [
        (argv(&["A=b"]), json!({"A": "b"}), false),
        (argv(&["A=c"]), json!({"A": "c"}), true),
        (argv(&[]), json!({}), true),
        (argv(&["A="]), json!({"A": ""}), true),
        (argv(&["A=b", "B=$$x=$$$$y"]), json!({"A": "b", "B": "$x=$$y"}), true),
        (env(json!({"name": "B", "value": "$$1"})), json!({"A": "b", "B": "$1"}), true),
        (env(json!({"name": "B", "valueFrom": from})), json!({"A": "b", "B": ""}), true),
        // The arguments win, as they do in the pod.
        (env(json!({"name": "A", "value": "c"})), json!({"A": "b"}), false),
    ] {
        for kind in [ONE_OFF, scheduled(), CONTINUOUS] {
            let mut object = made(&kind, None, &json!({}));
            in_container(&mut object, &container);
            let view = view_of(&kind, object);
            assert_eq!(json!(view.env), holds, "{container}");
            assert_told_as_changed(&view, is_changed.then_some("`env`"));
        }
    }
}

#[test]
fn the_image_that_runs_is_told_by_the_short_name_that_was_asked_for() {
    let image = |image: &str| {
        let mut object = made(&ONE_OFF, None, &json!({}));
        in_container(&mut object, &json!({"image": image}));
        let view = view_of(&ONE_OFF, object);
        (view.image, view.imagename, view.image_state.known())
    };
    let told = |image: &str, name: &str, state| (image.to_owned(), name.to_owned(), Some(state));
    let (stable, deprecated) = (ContainerState::Stable, ContainerState::Deprecated);
    let (busybox, old) = ("registry.example/busybox:1", "registry.example/old:1");
    assert_eq!(image(busybox), told(busybox, "tf-busybox", stable));
    assert_eq!(image(old), told(old, "tf-old", deprecated));
    // The operator offers another image under that name by now.
    assert_eq!(image("r/gone:1"), told("r/gone:1", "tf-busybox", deprecated));
}

/// Webhooks put containers of their own in front of the job's.
#[test]
fn the_container_named_job_is_the_jobs_wherever_it_stands() {
    let mut object = made(&ONE_OFF, None, &json!({}));
    let containers = object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.insert(0, json!({"name": "a-proxy", "image": "r/proxy:1", "command": ["proxy"]}));
    let view = view_of(&ONE_OFF, object);
    assert_eq!((view.cmd.as_str(), view.imagename.as_str()), ("echo $HOME '$$'", "tf-busybox"));
    assert!(!view.status_long.contains("changed"), "{}", view.status_long);
}

#[test]
fn a_kept_request_whose_quantity_cannot_be_read_counts_as_none() {
    let kept = kept_text("one-off").replace("1Gi", "much");
    let annotations = json!({"jobs.toolforge.org/spec": kept});
    let job = job(&json!({"metadata": {"annotations": annotations}}));
    assert_eq!(job.metadata.kept(), None);
    let view = view(&Objects { jobs: vec![job], ..Objects::default() });
    assert_eq!((view.cmd.as_str(), view.memory), ("", None));
}
