//! Whatever is sent, a refusal is short, on one line, and has nothing in it that a terminal obeys.

use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

/// Of which a problem document has fewer bytes, whatever it repeats.
const BODY_BYTES_MAX: usize = 2048;
const FIELDS: [&str; 22] = [
    "name",
    "cmd",
    "imagename",
    "type",
    "schedule",
    "timezone",
    "continuous",
    "filelog",
    "filelog_stdout",
    "filelog_stderr",
    "memory",
    "cpu",
    "retry",
    "timeout",
    "replicas",
    "port",
    "port_protocol",
    "health_check",
    "emails",
    "mount",
    "env",
    "unknown",
];

fn is_obeyed_or_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// Values that somebody may send anywhere.
fn odd_texts() -> Vec<String> {
    let long = |text: &str| text.repeat(5000 / text.len());
    let mut texts: Vec<_> =
        ["x", "9", "\u{202e}", "\u{2028}", "\n", "\u{1b}[31m", "é", "漢", "\"", "\\", "* ", "1-"]
            .map(long)
            .into();
    texts.extend(
        ["a\u{202e}b", "a\nb", "\u{2029}", "\u{feff}", "\0", "{}", "[1]"].map(str::to_owned),
    );
    texts.push(format!("{}Gi", long("9")));
    texts.push(format!("{} * * * *", long("1,")));
    texts.push(format!("../{}", long("../")));
    texts
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Bodies with the text in each place where one can be, and what they say that they are.
fn bodies_with(text: &str) -> Vec<(&'static str, String)> {
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let quoted = serde_json::to_string(text).unwrap();
    let checked = |check: &str| {
        format!(
            r#"{{"cmd":"true","imagename":"busybox","continuous":true,"port":80,"health_check":{check}}}"#
        )
    };
    let mut bodies = vec![
        (json, text.to_owned()),
        (form, text.to_owned()),
        (json, quoted.clone()),
        (json, format!("{{{quoted}:1}}")),
        (form, format!("{}=1", encoded(text))),
        (json, format!(r#"{{"cmd":"true","imagename":"busybox","env":{{{quoted}:{quoted}}}}}"#)),
        (
            json,
            format!(r#"{{"cmd":"a","type":"busybox","env":{{{quoted}:"","\u0041":{quoted}}}}}"#),
        ),
        (json, format!(r#"{{"cmd":"true","env":{{{quoted}:1}}}}"#)),
        (json, checked(&format!(r#"{{{quoted}:1}}"#))),
        (json, checked(&format!(r#"{{"type":{quoted},"path":"/"}}"#))),
        (json, checked(&format!(r#"{{"type":"http","path":{quoted}}}"#))),
        (json, checked(&format!(r#"{{"type":"script","script":{quoted},"path":{quoted}}}"#))),
        (json, format!(r#"{{"cmd":"true","env":{{{quoted}:"",{quoted}:""}}}}"#)),
    ];
    for field in FIELDS {
        let rest = r#""cmd":"true","imagename":"busybox","schedule":"@daily""#;
        let rest = rest.split(',').filter(|pair| !pair.starts_with(&format!("\"{field}\"")));
        let rest: Vec<_> = rest.filter(|pair| field != "type" || !pair.contains("image")).collect();
        let in_place_of = |value: &str| {
            let mut pairs = rest.clone();
            let pair = format!("\"{field}\":{value}");
            pairs.push(&pair);
            format!("{{{}}}", pairs.join(","))
        };
        bodies.push((json, in_place_of(&quoted)));
        bodies.push((json, in_place_of(&format!("[{quoted}]"))));
        bodies.push((json, in_place_of(&format!("{{{quoted}:{quoted}}}"))));
        let pair = format!("{field}={}", encoded(text));
        bodies.push((form, format!("{pair}&imagename=busybox")));
        bodies.push((form, format!("{pair}&cmd=true&imagename=busybox")));
    }
    bodies
}

/// Requests with the text in each place where one can be.
fn requests_with(text: &str) -> Vec<Request<Full<Bytes>>> {
    let run = || request(&Method::POST, "/api/v1/run/");
    let deployed = || request(&Method::PATCH, "/jobs/v1/tool/tf-test/jobs/");
    let as_body = |(media, body): (&str, String)| {
        let full_with = |asked: http::request::Builder, body: String| {
            asked.header("content-type", media).body(full(body)).unwrap()
        };
        [full_with(run(), body.clone()), full_with(deployed(), body)]
    };
    let mut requests: Vec<_> = bodies_with(text).into_iter().flat_map(as_body).collect();
    let encoded = encoded(text);
    for (method, path) in [
        (Method::GET, format!("/api/v1/list/?{encoded}={encoded}")),
        (Method::GET, format!("/api/v1/show/{encoded}/")),
        (Method::DELETE, format!("/api/v1/delete/{encoded}/")),
        (Method::GET, format!("/api/v1/{encoded}/")),
        (Method::GET, format!("/jobs/v1/tool/{encoded}/jobs/")),
        (Method::GET, format!("/jobs/v1/tool/tf-test/jobs/{encoded}")),
        (Method::GET, format!("/jobs/v1/tool/tf-test/jobs/?include_unset={encoded}")),
    ] {
        requests.push(request(&method, &path).body(full("")).unwrap());
    }
    if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
        for name in
            ["accept", "content-type", "content-encoding", "idempotency-key", "x-request-id"]
        {
            let run = run().header(name, value.clone());
            requests.push(run.body(full("{}")).unwrap());
        }
    }
    requests
}

async fn assert_all_short(service: &Service<AppState>, peer: &PeerCertificate, text: &str) {
    let repeated: String = text.chars().take(41).collect();
    for request in requests_with(text) {
        let asked = format!("{} {}", request.method(), request.uri().path().len());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let (parts, body) = service.respond(Some(peer), request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let (status, headers) = (parts.status, parts.headers.clone());
        document::check(&method, &path, &Answer { status, headers, body: body.clone() });
        if parts.status.is_success() {
            continue;
        }
        assert!(body.len() < BODY_BYTES_MAX, "{asked}: {} bytes for {text:.20?}", body.len());
        let problem: Problem = serde_json::from_slice(&body).unwrap();
        let said = [&problem.detail, &problem.message, &problem.title];
        for said in said.into_iter().chain(&problem.field) {
            assert!(!said.contains(is_obeyed_or_unseen), "{said:?}");
            let is_repeated = repeated.chars().count() > 40 && said.contains(&repeated);
            assert!(!is_repeated, "{said} repeats too much");
            for word in
                ["struct ", "i64", "u8", "boolean", "string", "sequence", "expected", "Request"]
            {
                assert!(text.contains(word) || !said.contains(word), "{said}");
            }
        }
    }
}

/// With a clock that does not wait: what is no mistake is asked of a cluster that fails, time and again.
#[tokio::test(start_paused = true)]
async fn what_is_long_or_odd_is_refused_in_short_and_on_one_line() {
    let (service, peer) = (service(), certificate("toolforge"));
    for text in odd_texts() {
        assert_all_short(&service, &peer, &text).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_is_sent_is_refused_in_short_and_on_one_line(text in "(?s).{0,120}") {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            assert_all_short(&service(), &certificate("toolforge"), &text).await;
        });
    }
}
