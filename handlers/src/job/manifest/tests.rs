mod probes;

use std::path::PathBuf;

use expect_test::expect_file;
use serde_json::json;
use tjf_api_types::{Emails, Words};

use super::*;
use crate::job::{Spec, labels::SPEC_ANNOTATION};

const OWNER: Owner = Owner { uid: 52_503, gid: 52_504 };

fn settings(home_volume: HomeVolume) -> PodSettings {
    PodSettings { homes: "/data/project".to_owned(), home_volume, job_ttl_seconds: 86_400 }
}

fn nfs() -> HomeVolume {
    HomeVolume::Nfs { server: "nfs.example".to_owned(), export: "/srv/project/".to_owned() }
}

fn logs() -> Option<Logs> {
    let path = |name: &str| format!("/data/project/tf-test/{name}");
    Some(Logs { stdout: path("a.out"), stderr: path("a.err") })
}

fn job(kind: JobKind) -> Job {
    Job {
        name: "a".parse().unwrap(),
        tool: "tf-test".parse().unwrap(),
        image: "registry.example/busybox:1".to_owned(),
        spec: Spec {
            cmd: "./run.sh".to_owned(),
            imagename: "tf-busybox".to_owned(),
            kind,
            logs: logs(),
            memory: None,
            cpu: None,
            emails: Emails::None,
            mount: Mount::All,
            env: BTreeMap::new(),
            given: crate::job::given::Given::default(),
            idempotency_key: None,
        },
    }
}

fn one_off() -> Job {
    job(JobKind::OneOff { retry: 0, timeout: None })
}

fn scheduled() -> Job {
    job(JobKind::Scheduled {
        schedule: "@daily".to_owned(),
        schedule_actual: "27 3 * * *".to_owned(),
        timezone: "Europe/Zurich".to_owned(),
        retry: 2,
        timeout: Some(60),
    })
}

fn continuous() -> Job {
    job(JobKind::Continuous { replicas: 3, port: None, health_check: None })
}

fn with_everything() -> Job {
    let mut job = job(JobKind::OneOff { retry: 5, timeout: Some(3600) });
    job.spec.cmd = "./run.sh --all | tee 'my file' && echo done # no comment".to_owned();
    job.spec.logs = Some(Logs {
        stdout: "/data/project/tf-test/logs of today/a; b.log".to_owned(),
        stderr: "/dev/null".to_owned(),
    });
    job.spec.memory = Some("1.5Gi".parse().unwrap());
    job.spec.cpu = Some("0.5".parse().unwrap());
    job.spec.emails = Emails::OnFailure;
    job.spec.env = BTreeMap::from([("LANG".to_owned(), "C.UTF-8".to_owned())]);
    job.spec.idempotency_key = Some("0123-abc".to_owned());
    job
}

fn with_dollars() -> Job {
    let mut job = one_off();
    job.spec.cmd = "echo $$ $(HOME) $((1+2)) '$$' \"${X}\" $".to_owned();
    job.spec.logs = Some(Logs {
        stdout: "/data/project/tf-test/$(date).out".to_owned(),
        stderr: "/data/project/tf-test/$$".to_owned(),
    });
    job.spec.env = BTreeMap::from([
        ("HOME".to_owned(), "/tmp/$USER".to_owned()),
        ("X".to_owned(), "$(HOME) $$".to_owned()),
    ]);
    job
}

/// Every job of the golden files, with the settings that it has.
fn cases() -> Vec<(&'static str, Job, PodSettings)> {
    let mut unmounted = one_off();
    (unmounted.spec.mount, unmounted.spec.logs) = (Mount::None, None);
    let mut unlogged = one_off();
    unlogged.spec.logs = None;
    let on_nodes = || settings(HomeVolume::HostPath);
    vec![
        ("one-off", one_off(), on_nodes()),
        ("one-off-with-everything", with_everything(), on_nodes()),
        ("scheduled", scheduled(), on_nodes()),
        ("continuous", continuous(), on_nodes()),
        ("mount-none", unmounted, on_nodes()),
        ("home-on-nfs", one_off(), settings(nfs())),
        ("home-by-a-webhook", one_off(), settings(HomeVolume::None)),
        ("filelog-false", unlogged, on_nodes()),
        ("dollars", with_dollars(), on_nodes()),
    ]
    .into_iter()
    .chain(probes::cases().map(|(name, job)| (name, job, on_nodes())))
    .collect()
}

fn sent() -> Vec<(&'static str, Job, Value)> {
    cases()
        .into_iter()
        .map(|(name, job, settings)| {
            let manifest = of(&job, &settings, OWNER).unwrap();
            (name, job, manifest)
        })
        .collect()
}

/// What the object makes its pods from, and what a CronJob makes its Jobs from.
fn templates(manifest: &Value) -> (&Value, Option<&Value>) {
    match manifest["kind"].as_str() {
        Some("CronJob") => {
            let job = &manifest["spec"]["jobTemplate"];
            (&job["spec"]["template"], Some(job))
        }
        _ => (&manifest["spec"]["template"], None),
    }
}

/// What process 1 runs is the same text in all: one file has it, so that a change changes one file.
#[test]
fn jobs_are_sent_as_the_golden_files_have_it() {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/manifests"));
    let wrapper = command::argv("", &BTreeMap::new(), None)[2].clone();
    for (name, job, mut manifest) in sent() {
        if name != "one-off" {
            let template = match job.spec.kind {
                JobKind::Scheduled { .. } => &mut manifest["spec"]["jobTemplate"]["spec"],
                JobKind::OneOff { .. } | JobKind::Continuous { .. } => &mut manifest["spec"],
            };
            let text = &mut template["template"]["spec"]["containers"][0]["command"][2];
            assert_eq!(*text, wrapper.as_str(), "{name}");
            *text = json!("(see one-off.json)");
        }
        let text = serde_json::to_string_pretty(&manifest).unwrap() + "\n";
        expect_file![directory.join(format!("{name}.json"))].assert_eq(&text);
    }
}

#[test]
fn no_pod_is_root_or_may_become_more_than_its_tool() {
    for (name, _, manifest) in sent() {
        let pod = &templates(&manifest).0["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        for absent in ["serviceAccountName", "securityContext", "hostNetwork", "hostPID", "hostIPC"]
        {
            assert_eq!(pod[absent], Value::Null, "{name}: {absent}");
        }
        let containers = pod["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 1, "{name}");
        assert_eq!(containers[0]["name"], "job", "{name}");
        assert_eq!(
            containers[0]["securityContext"],
            json!({
                "runAsUser": 52_503,
                "runAsGroup": 52_504,
                "runAsNonRoot": true,
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }),
            "{name}"
        );
        assert!(!manifest.to_string().contains("fsGroup"), "{name}");
    }
}

/// A home may belong to root's group, a program may not.
#[test]
fn no_program_runs_in_the_group_of_root() {
    for ((uid, gid), expected) in
        [((52_503, 52_504), 52_504), ((52_503, 0), 52_503), ((52_503, 1), 1)]
    {
        let owner = Owner::of_home(uid, gid);
        let template = pod(&one_off(), &settings(HomeVolume::HostPath), owner);
        let pod = serde_json::to_value(template).unwrap();
        let context = &pod["spec"]["containers"][0]["securityContext"];
        assert_eq!(context["runAsUser"], uid);
        assert_eq!(context["runAsGroup"], expected, "{uid}:{gid}");
        assert_eq!(context["runAsNonRoot"], true);
    }
}

#[test]
fn a_pod_gets_its_home_and_time_for_its_last_words() {
    for (name, job, manifest) in sent() {
        let pod = &templates(&manifest).0["spec"];
        assert_eq!(pod["terminationGracePeriodSeconds"], 15, "{name}");
        let is_continuous = matches!(job.spec.kind, JobKind::Continuous { .. });
        assert_eq!(pod["restartPolicy"], if is_continuous { "Always" } else { "Never" });
        let container = &pod["containers"][0];
        assert_eq!(container["workingDir"], "/data/project/tf-test", "{name}");
        assert_eq!(container["terminationMessagePolicy"], "FallbackToLogsOnError", "{name}");
        assert_eq!(container["imagePullPolicy"], "IfNotPresent", "{name}");
        let volume = match name {
            "mount-none" | "home-by-a-webhook" => {
                assert_eq!(container["volumeMounts"], Value::Null, "{name}");
                Value::Null
            }
            "home-on-nfs" => json!([{
                "name": "home",
                "nfs": {"server": "nfs.example", "path": "/srv/project/tf-test"},
            }]),
            _ => json!([{
                "name": "home",
                "hostPath": {"path": "/data/project/tf-test", "type": "Directory"},
            }]),
        };
        assert_eq!(pod["volumes"], volume, "{name}");
        if !volume.is_null() {
            let mount = json!([{"name": "home", "mountPath": "/data/project/tf-test"}]);
            assert_eq!(container["volumeMounts"], mount, "{name}");
        }
    }
}

#[test]
fn a_job_is_tried_as_often_and_runs_as_long_as_was_asked_and_once_at_a_time() {
    for (name, job, manifest) in sent() {
        let (spec, retry, timeout) = match &job.spec.kind {
            JobKind::OneOff { retry, timeout } => (&manifest["spec"], *retry, *timeout),
            JobKind::Scheduled { retry, timeout, .. } => {
                (&manifest["spec"]["jobTemplate"]["spec"], *retry, *timeout)
            }
            JobKind::Continuous { .. } => continue,
        };
        assert_eq!(spec["backoffLimit"], retry, "{name}");
        assert_eq!(spec["activeDeadlineSeconds"], json!(timeout), "{name}");
        assert_eq!(spec["podReplacementPolicy"], "Failed", "{name}");
    }
}

#[test]
fn only_a_one_off_goes_by_itself_when_it_has_ended() {
    for (name, job, manifest) in sent() {
        let is_one_off = matches!(job.spec.kind, JobKind::OneOff { .. });
        assert_eq!(manifest.to_string().contains("ttlSecondsAfterFinished"), is_one_off, "{name}");
        if is_one_off {
            assert_eq!(manifest["spec"]["ttlSecondsAfterFinished"], 86_400, "{name}");
        }
    }
}

#[test]
fn a_schedule_runs_one_at_a_time_in_its_own_zone_and_skips_what_is_late() {
    let manifest = of(&scheduled(), &settings(HomeVolume::HostPath), OWNER).unwrap();
    let mut spec = manifest["spec"].clone();
    spec.as_object_mut().unwrap().remove("jobTemplate");
    assert_eq!(
        spec,
        json!({
            "schedule": "27 3 * * *",
            "timeZone": "Europe/Zurich",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 30,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
        })
    );
}

#[test]
fn all_labels_are_on_the_object_and_on_all_that_it_makes() {
    for (name, job, manifest) in sent() {
        let labels = &manifest["metadata"]["labels"];
        let component = match job.spec.kind {
            JobKind::OneOff { .. } => "jobs",
            JobKind::Scheduled { .. } => "cronjobs",
            JobKind::Continuous { .. } => "replicationcontrollers",
        };
        let mut expected = json!({
            "toolforge": "tool",
            "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
            "app.kubernetes.io/created-by": "tf-test",
            "app.kubernetes.io/version": "2",
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/name": "a",
            "jobs.toolforge.org/emails": job.spec.emails.as_str(),
            "toolforge.org/mount-storage": job.spec.mount.as_str(),
        });
        if job.spec.logs.is_some() {
            expected["jobs.toolforge.org/filelog"] = json!("yes");
        }
        assert_eq!(*labels, expected, "{name}");
        let (pod, job_template) = templates(&manifest);
        assert_eq!(pod["metadata"]["labels"], expected, "{name}");
        if let Some(template) = job_template {
            assert_eq!(template["metadata"]["labels"], expected, "{name}");
        }
    }
}

#[test]
fn a_controller_selects_by_the_five_labels_that_never_change() {
    let manifest = of(&continuous(), &settings(HomeVolume::HostPath), OWNER).unwrap();
    assert_eq!(manifest["spec"]["replicas"], 3);
    let selector = manifest["spec"]["selector"].as_object().unwrap();
    assert_eq!(
        selector.keys().collect::<Vec<_>>(),
        [
            "app.kubernetes.io/component",
            "app.kubernetes.io/created-by",
            "app.kubernetes.io/managed-by",
            "app.kubernetes.io/name",
            "toolforge",
        ]
    );
    for (key, value) in selector {
        assert_eq!(manifest["spec"]["template"]["metadata"]["labels"][key], *value);
    }
}

/// Kubernetes turns `$$` into `$`: undone, it must be what was asked for.
#[test]
fn every_dollar_is_doubled_wherever_kubernetes_would_read_it() {
    let job = with_dollars();
    let manifest = of(&job, &settings(HomeVolume::HostPath), OWNER).unwrap();
    let container = &manifest["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], Value::Null);
    let undone = |text: &Value| {
        let text = text.as_str().unwrap();
        assert!(!text.replace("$$", "").contains('$'), "a single dollar in {text}");
        text.replace("$$", "$")
    };
    let command: Vec<_> = container["command"].as_array().unwrap().iter().map(undone).collect();
    let Logs { stdout, stderr } = job.spec.logs.as_ref().unwrap();
    let asked = ["HOME=/tmp/$USER", "X=$(HOME) $$", job.spec.cmd.as_str(), stdout, stderr];
    assert_eq!(command[4..], asked);
}

/// A shell obeys its environment, so what a tool chose must not be in that of process 1.
#[test]
fn a_container_has_no_variable_but_home() {
    for (name, _, manifest) in sent() {
        assert_eq!(
            templates(&manifest).0["spec"]["containers"][0]["env"],
            json!([{"name": "HOME", "value": "/data/project/tf-test"}]),
            "{name}"
        );
    }
}

#[test]
fn up_to_half_a_core_and_half_a_gibibyte_is_sure_and_of_more_the_half() {
    for (memory, cpu, limits, requests) in [
        (Some("512Mi"), Some("500m"), ["512Mi", "500m"], ["512Mi", "500m"]),
        (Some("64Mi"), Some("0.1"), ["64Mi", "100m"], ["64Mi", "100m"]),
        (Some("513Mi"), Some("501m"), ["513Mi", "501m"], ["262656Ki", "251m"]),
        (Some("1.5Gi"), Some("2"), ["1536Mi", "2"], ["768Mi", "1"]),
    ] {
        let mut job = one_off();
        job.spec.memory = memory.map(|text| text.parse().unwrap());
        job.spec.cpu = cpu.map(|text| text.parse().unwrap());
        let manifest = of(&job, &settings(HomeVolume::HostPath), OWNER).unwrap();
        let resources = &manifest["spec"]["template"]["spec"]["containers"][0]["resources"];
        let both = |[memory, cpu]: [&str; 2]| json!({"memory": memory, "cpu": cpu});
        let expected = json!({"limits": both(limits), "requests": both(requests)});
        assert_eq!(*resources, expected, "{memory:?} {cpu:?}");
    }
    let mut only_memory = one_off();
    only_memory.spec.memory = Some("1Gi".parse().unwrap());
    for (job, expected) in [
        (one_off(), Value::Null),
        (only_memory, json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}})),
    ] {
        let manifest = of(&job, &settings(HomeVolume::HostPath), OWNER).unwrap();
        let container = &manifest["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["resources"], expected);
    }
}

#[test]
fn the_request_is_kept_and_read_back_as_it_was() {
    for (name, job, manifest) in sent() {
        let kept = manifest["metadata"]["annotations"][SPEC_ANNOTATION].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Spec>(kept).unwrap(), job.spec, "{name}");
        assert_eq!(manifest["metadata"]["annotations"].as_object().unwrap().len(), 1, "{name}");
    }
}
