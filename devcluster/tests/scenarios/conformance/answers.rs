//! Creating, being refused, and who asks.

use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};
use tjf_devcluster::{
    Authority, Subject,
    suite::{World, eventually},
};

use super::{Heard, Transcript, job, pod, suspended};

const LIMIT_TIME_MAX: Duration = Duration::from_secs(30);

/// What the product reads of an answer: of a refusal everything, of an object its own fields.
pub(super) fn told(heard: &Heard) -> String {
    let Heard { code, headers, body } = heard;
    let mut told = Map::new();
    told.insert("code".to_owned(), json!(code));
    for header in ["retry-after", "warning"] {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            told.insert(header.to_owned(), json!(value));
        }
    }
    match body["kind"].as_str() {
        Some("Status") => {
            for field in ["status", "reason", "message", "details"] {
                told.insert(field.to_owned(), body[field].clone());
            }
        }
        Some(kind) if kind.ends_with("List") => {
            told.insert("kind".to_owned(), json!(kind));
            let items = body["items"].as_array().unwrap();
            let names: Vec<_> = items.iter().map(|item| item["metadata"]["name"].clone()).collect();
            told.insert("items".to_owned(), json!(names));
            let names_its_kind = |item: &Value| item.get("kind").is_some();
            told.insert("items have kinds".to_owned(), json!(items.iter().any(names_its_kind)));
            let has =
                |field: &str| body["metadata"][field].as_str().is_some_and(|text| !text.is_empty());
            told.insert("version".to_owned(), json!(has("resourceVersion")));
            told.insert("goes on".to_owned(), json!(has("continue")));
        }
        Some(kind) => {
            told.insert("kind".to_owned(), json!(kind));
            told.insert("object".to_owned(), object(body));
        }
        None => {
            told.insert("body".to_owned(), body.clone());
        }
    }
    forget(&mut told);
    Value::Object(told).to_string()
}

/// The fields of an object that the product reads, and those that say who it is.
fn object(body: &Value) -> Value {
    let (metadata, spec) = (&body["metadata"], &body["spec"]);
    let is_text = |field: &str| metadata[field].as_str().is_some_and(|text| !text.is_empty());
    let has = ["uid", "resourceVersion", "creationTimestamp"].map(is_text);
    let read = [
        "backoffLimit",
        "completions",
        "parallelism",
        "suspend",
        "schedule",
        "timeZone",
        "concurrencyPolicy",
        "replicas",
        "activeDeadlineSeconds",
        "selector",
    ];
    let read = read.map(|field| spec[field].clone());
    json!({
        "name": metadata["name"], "labels": metadata["labels"],
        "is going": metadata.get("deletionTimestamp").is_some(),
        "grace": metadata["deletionGracePeriodSeconds"], "finalizers": metadata["finalizers"],
        "has uid, version and time": has, "spec": read, "status": body["status"],
    })
}

/// What is another every time: uids, versions and times.
fn forget(told: &mut Map<String, Value>) {
    for (name, value) in told.iter_mut() {
        match value {
            Value::String(text) if is_uid(text) => *value = json!("UID"),
            Value::String(text) if name.ends_with("imestamp") || name.ends_with("Time") => {
                text.clear();
                text.push_str("TIME");
            }
            Value::String(text) => *text = words(text),
            Value::Object(fields) => forget(fields),
            Value::Array(items) => {
                for item in items {
                    if let Value::Object(fields) = item {
                        forget(fields);
                    } else if let Value::String(text) = item {
                        *text = words(text);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn words(text: &str) -> String {
    let word = |word: &str| {
        let inner = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let forgotten = if is_uid(inner) {
            "UID"
        } else if inner.len() < 8
            && inner.bytes().all(|byte| byte.is_ascii_digit())
            && text.contains("esource version")
        {
            "VERSION"
        } else {
            return word.to_owned();
        };
        word.replace(inner, forgotten)
    };
    text.split(' ')
        .map(|part| if part.is_empty() { String::new() } else { word(part) })
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_uid(text: &str) -> bool {
    text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
}

/// Everything that a POST can come to.
pub(super) async fn creates(transcript: &mut Transcript) {
    let (jobs, cronjobs, controllers) = (
        transcript.path("jobs?fieldValidation=Strict"),
        transcript.path("cronjobs?fieldValidation=Strict"),
        transcript.path("replicationcontrollers?fieldValidation=Strict"),
    );
    let post = Method::POST;
    let job_spec = suspended("x")["spec"].clone();
    let cronjob = |name: &str, schedule: &str| {
        json!({"metadata": {"name": name}, "spec": {
            "schedule": schedule, "timeZone": "Etc/UTC", "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": job_spec},
        }})
    };
    let mut loops = pod();
    loops["restartPolicy"] = json!("Always");
    let controller = |name: &str, labels: &Value| {
        json!({"metadata": {"name": name}, "spec": {
            "replicas": 0, "selector": {"app": "a"},
            "template": {"metadata": {"labels": labels}, "spec": loops},
        }})
    };
    let label_a = json!({"app": "a"});
    let long = "a".repeat(64);
    let cases = [
        ("a job", &jobs, suspended("dup")),
        ("its name is taken", &jobs, suspended("dup")),
        ("a cron job of the same name", &cronjobs, cronjob("dup", "0 0 1 1 *")),
        ("a controller of the same name", &controllers, controller("dup", &label_a)),
        ("an unknown field", &jobs, job("u", &json!({"suspend": true, "nope": 1}))),
        ("a negative number", &jobs, job("n", &json!({"backoffLimit": -1}))),
        ("a name in upper case", &jobs, suspended("Upper")),
        ("a cron job's name of 53 letters", &cronjobs, cronjob(&long[..53], "0 0 1 1 *")),
        ("no schedule", &cronjobs, cronjob("s", "")),
        ("a selector that selects nothing", &controllers, controller("c", &json!({"app": "b"}))),
        ("another namespace in the object", &jobs, {
            let mut job = suspended("m");
            job["metadata"]["namespace"] = json!("default");
            job
        }),
    ];
    for (what, path, object) in cases {
        transcript.tell(&format!("create: {what}"), post.clone(), path, &object).await;
    }
    let warned = transcript.path("jobs");
    let typo = job("w", &json!({"suspend": true, "nope": 1}));
    transcript.tell("create: an unknown field, not strictly", post.clone(), &warned, &typo).await;
    // Where Go and Rust read JSON in words of their own, the code and the reason have to do.
    for (what, body) in [
        ("half a document", b"{".to_vec()),
        ("a wrong type", { job("t", &json!({"backoffLimit": "1"})).to_string().into_bytes() }),
    ] {
        let heard = transcript.ask(post.clone(), &jobs, body).await;
        let told = format!("{} {}", heard.code, heard.body["reason"]);
        transcript.note(&format!("create: {what}"), &told);
    }
    dry_runs(transcript).await;
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    let heard = transcript.ask(post.clone(), &jobs, large).await;
    transcript.note("create: more than 3 MiB", &told(&heard));
    limits(transcript, &jobs).await;
}

/// What is judged, and not created.
async fn dry_runs(transcript: &mut Transcript) {
    let dry = transcript.path("jobs?fieldValidation=Strict&dryRun=All");
    for (what, object) in [
        ("a job", suspended("dry")),
        ("its name is taken", suspended("dup")),
        ("a negative number", job("n", &json!({"backoffLimit": -1}))),
    ] {
        let what = format!("create, dry run: {what}");
        transcript.tell(&what, Method::POST, &dry, &object).await;
    }
    let dry = transcript.path("jobs/dry");
    transcript.tell("get: what was only a dry run", Method::GET, &dry, &json!(null)).await;
}

/// Limits of a container, and the quota of a namespace.
async fn limits(transcript: &mut Transcript, jobs: &str) {
    let pods = transcript.path("pods");
    for (what, limits) in [
        // Of several faults a real cluster tells one first or the other, as it comes.
        ("too much memory", json!({"memory": "5Gi"})),
        ("too much CPU", json!({"cpu": "2"})),
        ("too little memory", json!({"memory": "1Mi"})),
    ] {
        let mut spec = pod();
        spec["containers"][0]["resources"] = json!({"limits": limits, "requests": limits});
        let object = json!({"metadata": {"name": "p"}, "spec": spec});
        transcript.tell(&format!("create a pod: {what}"), Method::POST, &pods, &object).await;
    }
    transcript.limit_ratio("1500m").await;
    let dry = format!("{pods}?dryRun=All");
    let asking = |limit: &str, request: &str| {
        let mut spec = pod();
        spec["containers"][0]["resources"] =
            json!({"limits": {"cpu": limit}, "requests": {"cpu": request}});
        json!({"metadata": {"name": "p"}, "spec": spec}).to_string().into_bytes()
    };
    // A real API server follows what limits it, too, and hears of a new one a little later.
    eventually("the ratio is limited", LIMIT_TIME_MAX, async || {
        let heard = transcript.ask(Method::POST, &dry, asking("900m", "500m")).await;
        if heard.code == 201 { Err(heard.code) } else { Ok(()) }
    })
    .await;
    for (what, limit, request) in [
        ("its limit too many times its request", "900m", "500m"),
        ("its limit not too many times its request", "1", "700m"),
    ] {
        let heard = transcript.ask(Method::POST, &dry, asking(limit, request)).await;
        let told = format!("{} {}", heard.code, heard.body["message"]);
        transcript.note(&format!("create a pod: {what}"), &told);
    }
    // Two hundred are allowed. A real quota counts some that were refused too, for a while.
    for number in 0..200 {
        let object = suspended(&format!("q{number}")).to_string().into_bytes();
        let heard = transcript.ask(Method::POST, jobs, object).await;
        if heard.code != 201 {
            let told = told(&heard).replace(&format!("q{number}"), "NAME");
            return transcript.note("create: one job too many", &told);
        }
    }
    transcript.note("create: two hundred jobs", "none was refused");
}

/// Who asks, and for whose things.
pub(super) async fn callers(world: &World, transcript: &mut Transcript) {
    let own = transcript.path("jobs");
    let other = world.tool("neighbour").await;
    let namespace = format!("tool-{}", other.name);
    for (what, path) in [
        ("my own jobs", own.clone()),
        ("another tool's jobs", format!("/apis/batch/v1/namespaces/{namespace}/jobs")),
        ("another tool's job", format!("/apis/batch/v1/namespaces/{namespace}/jobs/x")),
        ("jobs of a namespace that is not there", "/apis/batch/v1/namespaces/nobody/jobs".into()),
        ("everybody's jobs", "/apis/batch/v1/jobs".into()),
    ] {
        let heard = transcript.ask(Method::GET, &path, Vec::new()).await;
        let told = told(&heard).replace(&other.name, "OTHER");
        transcript.note(&format!("list: {what}"), &told);
    }
    let path = format!("/apis/batch/v1/namespaces/{namespace}/jobs");
    let heard = transcript.ask(Method::POST, &path, suspended("x").to_string().into_bytes()).await;
    transcript
        .note("create: in another tool's namespace", &told(&heard).replace(&other.name, "OTHER"));
    let quotas = transcript.path("resourcequotas/tool");
    transcript.tell("delete: my own quota", Method::DELETE, &quotas, &json!(null)).await;

    let name = other.name.as_str();
    let unknown = Authority::generate("nobody's").issue(Subject::tool(name));
    let expired = world.issue(Subject::tool(name).for_seconds(-60));
    for (what, identity) in [
        ("without a certificate", None),
        ("with a certificate of another CA", Some(&unknown)),
        ("with a certificate that has ended", Some(&expired)),
    ] {
        transcript.ask_as(world.cluster.raw_client(identity).await);
        transcript.tell(&format!("list: {what}"), Method::GET, &own, &json!(null)).await;
    }
}
