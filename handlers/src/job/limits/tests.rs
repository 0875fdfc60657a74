use serde_json::{Value, json};
use tjf_api_types::{Emails, Mount};

use super::*;
use crate::job::JobKind;

fn spec(memory: Option<&str>, cpu: Option<&str>) -> Spec {
    Spec {
        cmd: "true".to_owned(),
        imagename: "tf-busybox".to_owned(),
        kind: JobKind::OneOff { retry: 0, timeout: None },
        logs: None,
        memory: memory.map(str::to_owned),
        cpu: cpu.map(str::to_owned),
        emails: Emails::None,
        mount: Mount::All,
        env: std::collections::BTreeMap::new(),
        idempotency_key: None,
    }
}

fn limits(items: &Value) -> Limits {
    let range = serde_json::from_value(json!({"spec": {"limits": items}})).unwrap();
    Limits::new(vec![range], &[])
}

/// As it was recorded on a real cluster.
fn recorded() -> Limits {
    limits(&json!([{
        "type": "Container",
        "max": {"cpu": "1", "memory": "4Gi"},
        "min": {"cpu": "5m", "memory": "4Mi"},
        "default": {"cpu": "500m", "memory": "512Mi"},
        "defaultRequest": {"cpu": "20m", "memory": "16Mi"},
    }]))
}

fn memory(limits: &Limits, memory: &str) -> Result<(), String> {
    limits.check(&spec(Some(memory), None)).map_err(|invalid| {
        assert_eq!((invalid.rule, invalid.field), (Rule::Limits, "memory"));
        invalid.detail
    })
}

fn cpu(limits: &Limits, cpu: &str) -> Result<(), String> {
    limits.check(&spec(None, Some(cpu))).map_err(|invalid| {
        assert_eq!((invalid.rule, invalid.field), (Rule::Limits, "cpu"));
        invalid.detail
    })
}

#[test]
fn a_limit_is_within_the_namespaces_maximum_and_minimum_inclusive() {
    let limits = recorded();
    for text in ["4Gi", "4096Mi", "4294967296", "4Mi", "4194304", "4.5M"] {
        assert_eq!(memory(&limits, text), Ok(()), "{text}");
    }
    for text in ["1", "1000m", "0.005", "5m"] {
        assert_eq!(cpu(&limits, text), Ok(()), "{text}");
    }
    let says = |detail: &str| Err(detail.to_owned());
    assert_eq!(memory(&limits, "5Gi"), says("a job may have at most 4Gi of memory, not 5Gi"));
    assert!(memory(&limits, "4.5Gi").is_err());
    assert_eq!(memory(&limits, "1Mi"), says("a job must have at least 4Mi of memory, not 1Mi"));
    assert_eq!(memory(&limits, "4M"), says("a job must have at least 4Mi of memory, not 4M"));
    assert_eq!(cpu(&limits, "2"), says("a job may have at most 1 of cpu, not 2"));
    assert_eq!(cpu(&limits, "1001m"), says("a job may have at most 1 of cpu, not 1001m"));
    assert_eq!(cpu(&limits, "0.001"), says("a job must have at least 5m of cpu, not 1m"));
}

/// The spellings differ and the values do not, or the other way about.
#[test]
fn values_are_compared_and_not_their_spelling() {
    let limits = limits(&json!([{"type": "Container", "max": {"memory": "1024Mi", "cpu": "2k"}}]));
    assert_eq!(memory(&limits, "1Gi"), Ok(()));
    assert!(memory(&limits, "9G").is_err());
    assert_eq!(cpu(&limits, "1999500m"), Ok(()));
    assert!(cpu(&limits, "3k").is_err());
}

/// A limit above 512Mi has a request of half of it, and that is compared with the minimum.
#[test]
fn a_minimum_is_compared_with_what_a_job_is_sure_of() {
    let limits = limits(&json!([{"type": "Container", "min": {"memory": "400Mi"}}]));
    assert_eq!(memory(&limits, "400Mi"), Ok(()));
    assert_eq!(memory(&limits, "512Mi"), Ok(()));
    assert_eq!(memory(&limits, "800Mi"), Ok(()));
    let detail = "a job must be sure of at least 400Mi of memory; with 600Mi it has 300Mi";
    assert_eq!(memory(&limits, "600Mi"), Err(detail.to_owned()));
}

#[test]
fn what_a_namespace_does_not_limit_is_not_limited() {
    for limits in [
        Limits::default(),
        limits(&json!([])),
        limits(&json!([{"type": "Container"}])),
        limits(&json!([{"type": "Container", "max": {"ephemeral-storage": "1"}}])),
        limits(&json!([{"type": "PersistentVolumeClaim", "max": {"memory": "1"}}])),
        // Not understood: Kubernetes itself will say what it thinks.
        limits(&json!([{"type": "Container", "max": {"memory": "much", "cpu": ""}}])),
    ] {
        assert_eq!(limits.check(&spec(Some("1Ei"), Some("1m"))), Ok(()), "{limits:?}");
    }
    assert_eq!(recorded().check(&spec(None, None)), Ok(()), "the LimitRange's defaults decide");
}

#[test]
fn only_a_maximum_or_only_a_minimum_is_checked_alone() {
    let max = limits(&json!([{"type": "Container", "max": {"memory": "1Gi"}}]));
    assert_eq!(memory(&max, "1"), Ok(()));
    let min = limits(&json!([{"type": "Container", "min": {"memory": "1Mi"}}]));
    assert_eq!(memory(&min, "1Ei"), Ok(()));
    assert!(memory(&min, "1k").is_err());
}

/// A job's pod has one container, so what limits the pod limits it too.
#[test]
fn limits_of_pods_and_of_several_ranges_count_too() {
    let range = |kind: &str, max: &str| {
        let items = json!([{"type": kind, "max": {"memory": max}}]);
        serde_json::from_value(json!({"spec": {"limits": items}})).unwrap()
    };
    let limits = Limits::new(vec![range("Container", "4Gi"), range("Pod", "1Gi")], &[]);
    assert_eq!(memory(&limits, "1Gi"), Ok(()));
    assert_eq!(
        memory(&limits, "2Gi"),
        Err("a job may have at most 1Gi of memory, not 2Gi".to_owned())
    );
}

#[test]
fn of_several_quotas_the_tightest_counts() {
    let quota = |hard: Value| serde_json::from_value(json!({"spec": {"hard": hard}})).unwrap();
    for (quotas, jobs_max) in [
        (vec![], None),
        (vec![quota(json!({"pods": "16"}))], None),
        (vec![quota(json!({"count/jobs.batch": "200"}))], Some(200)),
        (vec![quota(json!({"count/jobs.batch": "1k"}))], Some(1000)),
        (vec![quota(json!({"count/jobs.batch": "0"}))], Some(0)),
        (vec![quota(json!({"count/jobs.batch": "many"}))], None),
        (
            vec![
                quota(json!({"count/jobs.batch": "200"})),
                quota(json!({"pods": "16"})),
                quota(json!({"count/jobs.batch": "60"})),
            ],
            Some(60),
        ),
    ] {
        assert_eq!(Limits::new(Vec::new(), &quotas).jobs_max, jobs_max, "{quotas:?}");
    }
}

fn refused(resource: &str, requested: &str, used: &str, limited: &str) -> QuotaRefused {
    let [resource, requested, used, limited] =
        [resource, requested, used, limited].map(str::to_owned);
    QuotaRefused { resource, requested, used, limited }
}

/// Word for word as Kubernetes said it.
#[test]
fn a_refusal_for_quota_is_read_from_kubernetes_sentence() {
    let several = "Error creating: pods \"m-x-nmwts\" is forbidden: exceeded quota: tool-tf-test, \
                   requested: limits.memory=4Gi,requests.cpu=900m,requests.memory=1900Mi, \
                   used: limits.memory=16Gi,requests.cpu=3600m,requests.memory=7600Mi, \
                   limited: limits.memory=16Gi,requests.cpu=4,requests.memory=8Gi";
    let table = [
        (
            "jobs.batch \"j200\" is forbidden: exceeded quota: tool-tf-test, requested: \
             count/jobs.batch=1, used: count/jobs.batch=200, limited: count/jobs.batch=200",
            vec![refused("count/jobs.batch", "1", "200", "200")],
            "jobs, finished ones and runs of scheduled ones included (count/jobs.batch): \
             1 asked, 200 used, 200 allowed",
        ),
        (
            "cronjobs.batch \"c50\" is forbidden: exceeded quota: tool-tf-test, requested: \
             count/cronjobs.batch=1, used: count/cronjobs.batch=50, \
             limited: count/cronjobs.batch=50",
            vec![refused("count/cronjobs.batch", "1", "50", "50")],
            "scheduled jobs (count/cronjobs.batch): 1 asked, 50 used, 50 allowed",
        ),
        (
            "replicationcontrollers \"r16\" is forbidden: exceeded quota: tool-tf-test, requested: \
             replicationcontrollers=1, used: replicationcontrollers=16, \
             limited: replicationcontrollers=16",
            vec![refused("replicationcontrollers", "1", "16", "16")],
            "continuous jobs (replicationcontrollers): 1 asked, 16 used, 16 allowed",
        ),
        (
            "Error creating: pods \"q-17-f9rdt\" is forbidden: exceeded quota: tool-tf-test, \
             requested: pods=1, used: pods=16, limited: pods=16",
            vec![refused("pods", "1", "16", "16")],
            "pods at once (pods): 1 asked, 16 used, 16 allowed",
        ),
        (
            several,
            vec![
                refused("limits.memory", "4Gi", "16Gi", "16Gi"),
                refused("requests.cpu", "900m", "3600m", "4"),
                refused("requests.memory", "1900Mi", "7600Mi", "8Gi"),
            ],
            "memory of all jobs (limits.memory): 4Gi asked, 16Gi used, 16Gi allowed; \
             guaranteed CPU of all jobs (requests.cpu): 900m asked, 3600m used, 4 allowed; \
             guaranteed memory of all jobs (requests.memory): 1900Mi asked, 7600Mi used, \
             8Gi allowed",
        ),
    ];
    for (message, resources, in_words) in table {
        let refusal = QuotaRefusal::parse(message).unwrap();
        assert_eq!(refusal.resources, resources, "{message}");
        assert_eq!(refusal.to_string(), in_words);
        let about_jobs = message.starts_with("jobs.batch");
        assert_eq!(refusal.is_about_jobs(), about_jobs, "{message}");
    }
}

#[test]
fn a_quota_refusal_that_is_not_understood_has_no_numbers() {
    for message in [
        "exceeded quota: ",
        "exceeded quota: q",
        "exceeded quota: q, requested: pods=1",
        "exceeded quota: q, requested: pods=1, used: pods=16",
        "exceeded quota: q, requested: pods, used: pods=16, limited: pods=16",
        "exceeded quota: q, requested: pods=1, used: memory=16, limited: pods=16",
        "exceeded quota: q, limited: pods=16, used: pods=16, requested: pods=1",
    ] {
        let refusal = QuotaRefusal::parse(message).unwrap();
        assert_eq!(refusal, QuotaRefusal::default(), "{message}");
        assert_eq!(refusal.to_string(), "this would exceed the tool's quota");
        assert!(!refusal.is_about_jobs());
    }
}

#[test]
fn another_refusal_is_none_for_quota() {
    for message in [
        "",
        "jobs.batch is forbidden: User \"tf-test\" cannot list resource \"jobs\" in API group \
         \"batch\" in the namespace \"tool-tf-other\"",
        "Error creating: pods \"l-min-gv78j\" is forbidden: minimum memory usage per Container \
         is 4Mi, but request is 1Mi",
    ] {
        assert_eq!(QuotaRefusal::parse(message), None, "{message}");
    }
}
