//! The second face of the service: the paths that the deployed service's command asks.

use serde_json::{Value, json};

use super::*;

fn deployed(method: &Method, path: &str) -> Request<Full<Bytes>> {
    request(method, path).body(full("")).unwrap()
}

async fn told(path: &str) -> Value {
    let service = service_over(|cluster| {
        drop(cluster.expect_at_least([]));
    });
    let peer = certificate("toolforge");
    let answer = ask_of(&service, Some(&peer), deployed(&Method::GET, path)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    serde_json::from_slice(&answer.body).unwrap()
}

#[tokio::test]
async fn every_answer_is_an_object_with_messages() {
    let messages = json!({"info": [], "warning": []});
    let images = json!([{"shortname": "tf-busybox", "image": "registry.example/busybox:1"}]);
    for (path, key, value) in [
        ("images/", "images", None),
        ("jobs/", "jobs", Some(json!([]))),
        ("jobs/?include_unset=True", "jobs", Some(json!([]))),
        ("jobs/?include_unset=False", "jobs", Some(json!([]))),
        ("quotas/", "quota", None),
    ] {
        for root in ["/jobs/v1/tool/tf-test", "/v1/tool/tf-test", "//jobs/v1//tool/tf-test/"] {
            let answer = told(&format!("{root}/{path}")).await;
            assert_eq!(answer["messages"], messages, "{root}/{path}");
            let found = &answer[key];
            assert!(found.is_array() || found.is_object(), "{root}/{path}: {answer}");
            assert!(value.as_ref().is_none_or(|value| value == found), "{answer}");
        }
    }
    let offered = told("/jobs/v1/tool/tf-test/images/").await;
    assert_eq!(offered["images"][0], images[0]);
}

#[tokio::test]
async fn the_path_of_another_tool_is_refused_before_anything_is_looked_at() {
    let peer = certificate("toolforge");
    let is_deployed = |route: &Route<AppState>| route.pattern().contains("{tool}");
    let routes = routes_that(is_deployed);
    assert!(routes.len() >= 18, "{routes:?}");
    for (method, path) in routes {
        for other in ["tf-other", "TF-TEST", "tf-test%2F..", "%20", "*"] {
            let path = path.replace("tf-test", other);
            let answer = ask(Some(&peer), deployed(&method, &path)).await;
            let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!((problem.status, problem.slug()), (403, "forbidden"), "{method} {path}");
            assert!(problem.detail.contains("`tf-test`"), "{}", problem.detail);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_also_said_where_that_command_reads_it() {
    let peer = certificate("toolforge");
    for (method, path, status) in [
        (Method::GET, "/jobs/v1/tool/tf-test/nope", 404),
        (Method::GET, "/v1/tool/tf-test/jobs/a/b/c", 404),
        (Method::PUT, "/jobs/v1/tool/tf-test/jobs/", 405),
        (Method::GET, "/jobs/v1/tool/tf-test/jobs/A", 404),
        (Method::GET, "/jobs/v1/tool/tf-test/jobs/?wiat=1", 400),
        (Method::GET, "/jobs/v1/tool/tf-test/jobs/?include_unset=maybe", 400),
        (Method::POST, "/jobs/v1/tool/tf-test/jobs/", 415),
        (Method::GET, "/jobs/v1/tool/tf-test/jobs/", 503),
    ] {
        let answer = ask(Some(&peer), deployed(&method, path)).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {body}");
        assert_eq!(body["error"], json!([body["detail"]]), "{method} {path}");
        assert_eq!(answer.headers.contains_key("retry-after"), status == 503);
    }
    let answer = ask(None, deployed(&Method::GET, "/v1/tool/tf-test/jobs/")).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), &body["error"]), (401, &json!([body["detail"]])));
}

#[tokio::test]
async fn what_there_is_not_is_refused_by_name() {
    let peer = certificate("toolforge");
    for (body, field) in [
        (r#"{"job_type":"webservice","imagename":"busybox","name":"a"}"#, "job_type"),
        (r#"{"cmd":"x","imagename":"busybox","name":"a","publish":"/"}"#, "publish"),
        (r#"{"cmd":"x","imagename":"busybox","name":"a","nope":1}"#, "nope"),
        (r#"{"cmd":"x","imagename":"busybox","name":"a","retry":"two"}"#, "retry"),
        (r#"{"cmd":"x","imagename":"busybox","name":"a","job_type":"cron"}"#, "job_type"),
        (r#"{"imagename":"busybox","name":"a"}"#, "cmd"),
        (r#"{"cmd":"x","name":"a"}"#, "imagename"),
    ] {
        for method in [Method::POST, Method::PATCH] {
            let asked = request(&method, "/jobs/v1/tool/tf-test/jobs/");
            let asked = asked.header("content-type", "application/json").body(full(body)).unwrap();
            let answer = ask(Some(&peer), asked).await;
            let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
            let found = (problem.status, problem.field.as_deref());
            assert_eq!(found, (400, Some(field)), "{}", problem.detail);
        }
    }
    let nameless = request(&Method::PATCH, "/jobs/v1/tool/tf-test/jobs/")
        .header("content-type", "application/json")
        .body(full(r#"{"cmd":"x","imagename":"busybox"}"#));
    let answer = ask(Some(&peer), nameless.unwrap()).await;
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((problem.status, problem.field.as_deref()), (400, Some("name")));
}

#[tokio::test]
async fn all_of_it_can_be_left_out() {
    let peer = certificate("toolforge");
    let is_deployed = |route: &Route<AppState>| route.pattern().contains("{tool}");
    for (method, path) in routes_that(is_deployed) {
        let service = service_of(routes::routes(), |cluster| cluster.answer_all(500, SECRET));
        let response = service.respond(Some(&peer), deployed(&method, &path)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.slug(), "route-not-found");
    }
}
