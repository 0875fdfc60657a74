mod recorded;

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
        memory: memory.map(|text| text.parse().unwrap()),
        cpu: cpu.map(|text| text.parse().unwrap()),
        emails: Emails::None,
        mount: Mount::All,
        env: std::collections::BTreeMap::new(),
        given: crate::job::given::Given::default(),
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
    let max = json!({"memory": "1024Mi", "cpu": "2k"});
    let limits = limits(&json!([{"type": "Container", "max": max, "default": max}]));
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
    let detail = "a job must be sure of at least 400Mi of memory: with 600Mi it is sure of 300Mi";
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

/// Up to 512Mi and 500m a job is sure of all of its limit, of more only of the half.
#[test]
fn a_limit_is_at_most_so_many_times_what_a_job_is_sure_of() {
    let default = json!({"memory": "64Mi", "cpu": "100m"});
    let ratio = |memory: &str, cpu: &str| {
        limits(&json!([{
            "type": "Container", "default": default, "defaultRequest": default,
            "maxLimitRequestRatio": {"memory": memory, "cpu": cpu},
        }]))
    };
    for text in ["1", "1.5", "1900m"] {
        let limits = ratio(text, text);
        assert_eq!((memory(&limits, "512Mi"), cpu(&limits, "0.5")), (Ok(()), Ok(())), "{text}");
        assert!(memory(&limits, "1Gi").is_err() && cpu(&limits, "501m").is_err(), "{text}");
    }
    for text in ["2", "2.5", "10"] {
        let limits = ratio(text, text);
        assert_eq!((memory(&limits, "8Gi"), cpu(&limits, "4")), (Ok(()), Ok(())), "{text}");
    }
    let detail = "a job may have at most 1.5 times the cpu that it is sure of: with 2 it is sure \
                  of 1; up to 500m it is sure of all that it asks for";
    assert_eq!(cpu(&ratio("1", "1500m"), "2"), Err(detail.to_owned()));
}

/// What a namespace gives to everybody may be outside of what it allows.
#[test]
fn a_job_that_asks_for_nothing_is_checked_with_what_it_gets() {
    let limits = limits(&json!([{
        "type": "Container",
        "maxLimitRequestRatio": {"cpu": "4"},
        "default": {"cpu": "500m", "memory": "512Mi"},
        "defaultRequest": {"cpu": "20m", "memory": "16Mi"},
    }]));
    let refused = limits.check(&spec(None, None)).unwrap_err();
    let detail = "a job may have at most 4 times the cpu that it is sure of: without `cpu` it gets \
                  500m and is sure of 20m; up to 500m it is sure of all that it asks for";
    assert_eq!((refused.field, refused.detail.as_str()), ("cpu", detail));
    assert_eq!(limits.check(&spec(None, Some("500m"))), Ok(()));
}

/// Of what a namespace does not give to everybody, a job has to say how much it may use.
#[test]
fn what_is_neither_asked_for_nor_given_is_to_be_said() {
    let pod = |bounds: &Value| {
        let mut item = json!({"type": "Pod"});
        item.as_object_mut().unwrap().extend(bounds.as_object().unwrap().clone());
        limits(&json!([item]))
    };
    let quota = |hard: &Value| {
        let quota = serde_json::from_value(json!({"spec": {"hard": hard}})).unwrap();
        Limits::new(Vec::new(), &[quota])
    };
    for (limits, field, why) in [
        (
            pod(&json!({"max": {"memory": "1024Mi"}})),
            "memory",
            "this namespace allows at most 1Gi and gives no default",
        ),
        (
            pod(&json!({"min": {"cpu": "0.1"}})),
            "cpu",
            "this namespace asks for at least 100m and gives no default",
        ),
        (
            pod(&json!({"maxLimitRequestRatio": {"cpu": "1500m"}})),
            "cpu",
            "this namespace allows at most 1.5 times the cpu that a job is sure of, and gives no \
             default",
        ),
        (
            quota(&json!({"pods": "4", "requests.cpu": "4"})),
            "cpu",
            "the tool's quota counts it, and there is no default",
        ),
    ] {
        let refused = limits.check(&spec(None, None)).unwrap_err();
        let detail = format!("say how much `{field}` the job may use: {why}");
        assert_eq!((refused.rule, refused.field), (Rule::Limits, field));
        assert_eq!(refused.detail, detail);
        assert_eq!(limits.check(&spec(Some("1Gi"), Some("500m"))), Ok(()), "{detail}");
    }
}

/// A default that can't be understood may be just what is missing.
#[test]
fn a_default_that_is_not_understood_refuses_nothing() {
    for bounds in
        [json!({"default": {"memory": "much"}}), json!({"defaultRequest": {"memory": ""}})]
    {
        let mut item = json!({"type": "Container", "maxLimitRequestRatio": {"memory": "1"}});
        item.as_object_mut().unwrap().extend(bounds.as_object().unwrap().clone());
        assert_eq!(limits(&json!([item])).check(&spec(None, None)), Ok(()), "{item}");
    }
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
