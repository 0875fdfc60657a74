//! What a request is read from: fields, a key, and names in paths.

use super::*;

/// Neither of the two is what was meant for sure.
#[tokio::test]
async fn what_is_there_twice_is_refused_by_name() {
    const FORM: &str = "application/x-www-form-urlencoded";
    let peer = certificate("toolforge");
    let json = |more: &str| format!(r#"{{"cmd":"true","imagename":"busybox",{more}}}"#);
    for (media_type, body, field) in [
        ("application/json", json(r#""env":{"A":"1","A":"2"}"#), "env"),
        ("application/json", json(r#""retry":1,"retry":1"#), "retry"),
        ("application/json", json(r#""schedule":null,"schedule":"@daily""#), "schedule"),
        ("application/json", json(r#""image":"busybox""#), "imagename"),
        (FORM, "cmd=true&type=busybox&cmd=false".to_owned(), "cmd"),
        (FORM, "cmd=true&type=busybox&image=busybox".to_owned(), "imagename"),
        (FORM, "cmd=true&type=busybox&retry=&retry=1".to_owned(), "retry"),
    ] {
        let request = request(&Method::POST, "/api/v1/run/").header("content-type", media_type);
        let answer = ask(Some(&peer), request.body(full(body.clone())).unwrap()).await;
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        let (status, field) = (StatusCode::BAD_REQUEST, Some(field));
        assert_eq!((answer.status, problem.field.as_deref()), (status, field), "{body}");
    }
}

#[tokio::test]
async fn a_key_is_sent_once_and_visible() {
    let peer = certificate("toolforge");
    let long = "k".repeat(65);
    let run = |keys: &[&str]| {
        let run = request(&Method::POST, "/api/v1/run").header("content-type", "application/json");
        let run = keys.iter().fold(run, |run, key| run.header("idempotency-key", *key));
        run.body(full("{}")).unwrap()
    };
    for keys in [&["a", "b"][..], &[""], &["a b"], &[&long], &["ü"]] {
        let (problem, _) = refused(Some(&peer), run(keys)).await;
        assert_eq!(problem.field.as_deref(), Some("Idempotency-Key"), "{keys:?}");
    }
    let (problem, _) = refused(Some(&peer), run(&[&long[1..]])).await;
    assert_eq!(problem.field.as_deref(), Some("cmd"));
}

#[tokio::test]
async fn what_cannot_be_a_name_is_not_there_and_kubernetes_is_not_asked() {
    let peer = certificate("toolforge");
    let table = routes::all();
    for (method, pattern) in table.routes().filter(|(_, pattern)| pattern.contains("{name}")) {
        let pattern = pattern.replace("{tool}", "tf-test");
        let long = "a".repeat(254);
        for name in
            ["..", "A", "a%2Fb", "-a", "a%00", "a%0Ab", "%C3%BC", "%FF", "a%ED%A0%80", "ü", &long]
        {
            let path = pattern.replace("{name}", name);
            let request = request(method, &path).body(full("")).unwrap();
            let (problem, _) = refused(Some(&peer), request).await;
            assert_eq!((problem.status, problem.slug()), (404, "job-not-found"), "{path}");
            assert!(problem.detail.len() < 120, "{}", problem.detail);
            assert!(!problem.detail.contains(char::is_control), "{}", problem.detail);
        }
    }
}
