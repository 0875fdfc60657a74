use super::*;

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
        assert_eq!(refusal.is_only_about_jobs(), about_jobs, "{message}");
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
        assert!(!refusal.is_only_about_jobs());
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
