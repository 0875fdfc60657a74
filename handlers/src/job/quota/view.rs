//! Limits and use, as they are told.

use tjf_api_types::{QuotaCategory, QuotaItem, QuotaView};

use super::{
    amount,
    objects::{LimitRange, LimitRangeItem, ResourceQuota, Resources},
    room::UNFINISHED_MAX,
};

/// What a quota can count of all jobs together while they run, and what that is called. The plain
/// names are the older ones, and mean the request.
const RUNNING: [(&[&str], &str); 5] = [
    (&["pods", "count/pods"], "Pods"),
    (&["limits.cpu"], "CPU"),
    (&["requests.cpu", "cpu"], "Guaranteed CPU"),
    (&["limits.memory"], "Memory"),
    (&["requests.memory", "memory"], "Guaranteed memory"),
];
/// What it can count of what was asked for.
const DEFINED: [(&[&str], &str); 4] = [
    (&["count/jobs.batch"], "One-off jobs and runs of scheduled ones, finished ones included"),
    (&["count/cronjobs.batch"], "Scheduled jobs"),
    (&["replicationcontrollers", "count/replicationcontrollers"], "Continuous jobs"),
    (&["services", "count/services"], "Jobs with a port, and web services"),
];

/// Everything that limits a tool, of which so many one-offs have not ended. A category without a
/// limit is left out, and so is a limit of what is no business of jobs.
pub fn view(ranges: &[LimitRange], quotas: &[ResourceQuota], unfinished: usize) -> QuotaView {
    let quotas: Vec<_> = quotas.iter().filter(|quota| quota.spec.is_for_every_pod()).collect();
    let of_all = |table: &[(&[&str], &str)]| -> Vec<_> {
        table.iter().filter_map(|(resources, name)| counted(&quotas, resources, name)).collect()
    };
    let mut defined = vec![item(
        "One-off jobs that have not ended",
        UNFINISHED_MAX.to_string(),
        Some(unfinished.to_string()),
    )];
    defined.extend(of_all(&DEFINED));
    let categories =
        [("Running jobs", of_all(&RUNNING)), ("Jobs", defined), ("Each job", of_each(ranges))];
    let categories = categories.into_iter().filter(|(_, items)| !items.is_empty());
    let category = |(name, items): (&str, _)| QuotaCategory { name: name.to_owned(), items };
    QuotaView { categories: categories.map(category).collect() }
}

fn item(name: impl Into<String>, limit: impl Into<String>, used: Option<String>) -> QuotaItem {
    QuotaItem { name: name.into(), limit: limit.into(), used }
}

/// Of several quotas that count the same, the one of which the least is left.
fn counted(quotas: &[&ResourceQuota], resources: &[&str], name: &str) -> Option<QuotaItem> {
    let found = quotas.iter().flat_map(|quota| {
        resources.iter().filter_map(|resource| {
            let limit = quota.spec.hard.get(*resource)?;
            let used = quota.status.used.get(*resource);
            let amounts = used.and_then(|used| amount(resource, used));
            let left = amount(resource, limit)?.saturating_sub(amounts.unwrap_or(0));
            Some((left, limit, used))
        })
    });
    let (_, limit, used) = found.min_by_key(|(left, ..)| *left)?;
    Some(item(name, limit, used.cloned()))
}

/// What each job may have, and gets when it asks for nothing.
fn of_each(ranges: &[LimitRange]) -> Vec<QuotaItem> {
    let ranges = || {
        let items = ranges.iter().flat_map(|range| &range.spec.limits);
        items.filter(|item| matches!(item.kind.as_str(), "Container" | "Pod"))
    };
    type Which = fn(&LimitRangeItem) -> &Resources;
    type Of = fn(&Resources) -> &Option<String>;
    let bounds: [(&str, Which, bool); 3] = [
        ("at most", |range| &range.max, false),
        ("at least", |range| &range.min, true),
        ("when nothing is asked for", |range| &range.default, false),
    ];
    let measured: [(&str, &str, Of); 2] = [
        ("CPU", "cpu", |resources| &resources.cpu),
        ("Memory", "memory", |resources| &resources.memory),
    ];
    let mut items = Vec::new();
    for (what, resource, of) in measured {
        for (bound, which, is_lower) in bounds {
            let all = ranges().filter_map(|range| {
                let text = of(which(range)).as_ref()?;
                Some((amount(resource, text)?, text))
            });
            let strictest = if is_lower { all.max() } else { all.min() };
            items.extend(strictest.map(|(_, text)| item(format!("{what}, {bound}"), text, None)));
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    fn told(ranges: &Value, quotas: &Value, unfinished: usize) -> String {
        let (ranges, quotas): (Vec<_>, Vec<_>) =
            (Deserialize::deserialize(ranges).unwrap(), Deserialize::deserialize(quotas).unwrap());
        let mut text = String::new();
        for QuotaCategory { name, items } in view(&ranges, &quotas, unfinished).categories {
            text += &format!("{name}\n");
            for QuotaItem { name, limit, used } in items {
                text += &format!("  {name}: {} of {limit}\n", used.as_deref().unwrap_or("-"));
            }
        }
        text
    }

    #[test]
    fn limits_and_use_are_told_in_words() {
        let hard = json!({"pods": "16", "limits.cpu": "16", "requests.memory": "8Gi",
            "count/jobs.batch": "200", "count/cronjobs.batch": "50", "replicationcontrollers": "16",
            "services": "4"});
        let used = json!({"pods": "2", "limits.cpu": "1500m", "requests.memory": "32Mi",
            "count/jobs.batch": "7", "count/cronjobs.batch": "1", "replicationcontrollers": "1",
            "services": "3"});
        let limits = json!([
            {"type": "Container", "max": {"cpu": "1", "memory": "4Gi"}, "min": {"cpu": "5m"},
                "default": {"cpu": "500m", "memory": "512Mi"}},
            {"type": "PersistentVolumeClaim", "max": {"memory": "1"}},
        ]);
        expect![[r#"
            Running jobs
              Pods: 2 of 16
              CPU: 1500m of 16
              Guaranteed memory: 32Mi of 8Gi
            Jobs
              One-off jobs that have not ended: 3 of 50
              One-off jobs and runs of scheduled ones, finished ones included: 7 of 200
              Scheduled jobs: 1 of 50
              Continuous jobs: 1 of 16
              Jobs with a port, and web services: 3 of 4
            Each job
              CPU, at most: - of 1
              CPU, at least: - of 5m
              CPU, when nothing is asked for: - of 500m
              Memory, at most: - of 4Gi
              Memory, when nothing is asked for: - of 512Mi
        "#]]
        .assert_eq(&told(
            &json!([{"spec": {"limits": limits}}]),
            &json!([{"spec": {"hard": hard}, "status": {"used": used}}]),
            3,
        ));
    }

    #[test]
    fn of_several_the_strictest_is_told_and_nothing_of_some_pods_only() {
        let range = |max: &str, min: &str| json!({"spec": {"limits": [{"type": "Pod", "max": {"cpu": max}, "min": {"cpu": min}}]}});
        let quota = |hard: &str, used: &str, scopes: &Value| {
            json!({"spec": {"hard": {"limits.cpu": hard}, "scopes": scopes},
                "status": {"used": {"limits.cpu": used}}})
        };
        expect![[r#"
            Running jobs
              CPU: 900m of 2
            Jobs
              One-off jobs that have not ended: 0 of 50
            Each job
              CPU, at most: - of 900m
              CPU, at least: - of 0.1
        "#]]
        .assert_eq(&told(
            &json!([range("1", "0.1"), range("900m", "1m")]),
            &json!([
                quota("3", "1", &json!([])),
                quota("2", "900m", &json!([])),
                quota("1", "1", &json!(["BestEffort"]))
            ]),
            0,
        ));
        expect![[r#"
            Jobs
              One-off jobs that have not ended: 0 of 50
        "#]]
        .assert_eq(&told(&json!([]), &json!([{"spec": {"hard": {"pods": "many"}}}]), 0));
    }
}
