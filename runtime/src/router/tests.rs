use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use tjf_api_types::ObjectName;

use super::*;
use crate::{
    context::Context,
    fuzz::{fuzz, text_near},
    input::{Input, Path},
    reply::Json,
};

async fn nothing(_: Context<()>) -> Result<Json<&'static str>, Failure> {
    Ok(Json("done"))
}

fn router() -> Router<()> {
    Router::new()
        .route(Route::get("/v1/list/", nothing))
        .route(Route::get("/v1/show/{name}/", nothing))
        .route(Route::delete("/v1/show/{name}/", nothing))
}

fn find(method: &Method, path: &str) -> Result<(&'static str, Option<String>), Failure> {
    let name = |found: &Variables| found.get("name").map(str::to_owned);
    router().find(method, path).map(|matched| (matched.pattern, name(&matched.variables)))
}

#[test]
fn slashes_at_the_end_or_doubled_do_not_count() {
    for path in ["/v1/list/", "/v1/list", "//v1//list//"] {
        assert_eq!(find(&Method::GET, path).unwrap().0, "/v1/list/", "{path}");
    }
}

#[test]
fn a_variable_is_one_decoded_segment() {
    let (pattern, name) = find(&Method::GET, "/v1/show/a%2Fb%20c").unwrap();
    assert_eq!((pattern, name.as_deref()), ("/v1/show/{name}/", Some("a/b c")));
    let (_, name) = find(&Method::GET, "/v1/show/a%FF").unwrap();
    assert_eq!(name.as_deref(), Some("a\u{fffd}"), "it is the name of nothing");
}

#[test]
fn what_is_not_in_the_table_is_not_there() {
    for path in ["/", "/v1", "/v1/show", "/v1/show/a/b", "/v1/LIST", "/v1/list/../list"] {
        assert_eq!(find(&Method::GET, path).unwrap_err().slug(), "route-not-found", "{path}");
    }
}

#[test]
fn a_wrong_method_is_told_the_right_ones() {
    let failure = find(&Method::POST, "/v1/show/a").unwrap_err();
    assert_eq!(failure.slug(), "method-not-allowed");
    assert_eq!(failure.headers()["allow"], "GET, HEAD, DELETE");
}

#[test]
fn a_table_with_two_answers_to_one_request_is_refused() {
    for pattern in ["/v1/list", "/v1/show/other/", "/{any}/list/"] {
        let attempt =
            catch_unwind(AssertUnwindSafe(|| router().route(Route::get(pattern, nothing))));
        let text = *attempt.err().unwrap().downcast::<String>().unwrap();
        assert!(text.contains("could both answer"), "{text}");
    }
}

#[test]
fn each_of_two_variables_has_its_own_value() {
    let table = Router::new().route(Route::patch("/tool/{tool}/jobs/{name}", nothing));
    let found = table.find(&Method::PATCH, "/tool/a%20b/jobs/c/").unwrap();
    let values = ["tool", "name", "{name}", "jobs"].map(|name| found.variables.get(name));
    assert_eq!(values, [Some("a b"), Some("c"), None, None]);
}

/// It is told under its first pattern, wherever it was found.
#[test]
fn a_route_is_found_under_its_other_pattern_too() {
    let route = || Route::get("/jobs/v1/{name}", nothing).also_at("/v1/{name}");
    let table = Router::new().route(route());
    for path in ["/jobs/v1/a", "/v1/a/"] {
        let found = table.find(&Method::GET, path).unwrap();
        assert_eq!((found.pattern, found.variables.get("name")), ("/jobs/v1/{name}", Some("a")));
    }
    let twin = Route::get("/v1/list", nothing);
    let attempt = catch_unwind(AssertUnwindSafe(|| Router::new().route(route()).route(twin)));
    assert!(attempt.is_err());
}

/// A program that knows newer routes than there are reads its refusal as all others.
#[test]
fn what_is_not_there_is_refused_as_its_neighbours_are() {
    let table = Router::new()
        .route(Route::get("/tool/{tool}/jobs", nothing).answers(&[Media::Wrapped]))
        .route(Route::get("/list", nothing).answers(&[Media::Text]));
    for (path, answers) in [
        ("/tool/a/new", &[Media::Wrapped][..]),
        ("/tool", &[Media::Wrapped]),
        ("/tools/a", Media::EITHER),
        ("/list/a", Media::EITHER),
        ("/", Media::EITHER),
    ] {
        assert_eq!(table.answers_near(path), answers, "{path}");
    }
}

#[test]
fn a_pattern_whose_variables_can_not_be_told_apart_is_refused() {
    for pattern in ["/{name}/x/{name}", "/{one}/{two}/{three}"] {
        let table = || Router::new().route(Route::get(pattern, nothing));
        let attempt = catch_unwind(AssertUnwindSafe(table));
        let text = *attempt.err().unwrap().downcast::<String>().unwrap();
        assert!(text.contains("two variables"), "{text}");
    }
}

/// The bytes that percent-encoded ones stand for.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        let escaped = digit(0).zip(digit(1)).filter(|_| *byte == b'%');
        bytes.push(escaped.map_or(*byte, |(high, low)| u8::try_from(high * 16 + low).unwrap()));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    bytes
}

#[test]
fn fuzzed_paths_lead_to_what_their_segments_say() {
    let paths = [
        "/v1/list/",
        "//v1//show/my-job",
        "/v1/show/a%2Fb%20c/",
        "/v1/show/%C3%BC",
        "/v1/show/%FF%2e%2E/..",
        "/v1/show/%00;a=b",
    ];
    let (table, (parts, ())) = (router(), http::Request::new(()).into_parts());
    fuzz("paths", text_near(&paths), |path| {
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let expected = match segments[..] {
            ["v1", "list"] => Some(("/v1/list/", None)),
            ["v1", "show", name] => Some(("/v1/show/{name}/", Some(decoded(name)))),
            _ => None,
        };
        let found = table.find(&Method::GET, &path).map(|found| (found.pattern, found.variables));
        let Some((pattern, name)) = expected else {
            prop_assert_eq!(found.unwrap_err().slug(), "route-not-found");
            return Ok(false);
        };
        let (found, variables) = found.unwrap();
        prop_assert_eq!(found, pattern);
        let name = name.map(|name| String::from_utf8_lossy(&name).into_owned());
        prop_assert_eq!(variables.get("name"), name.as_deref());
        let (parts, body) = (parts.clone(), bytes::Bytes::new());
        let received = Received { parts, body, variables, media: Media::Json };
        if let Ok(Path(object)) = Path::<ObjectName>::from_request(&received) {
            let is_harmless = |byte: u8| b"-.".contains(&byte) || byte.is_ascii_alphanumeric();
            prop_assert!(object.as_str().bytes().all(is_harmless), "{object}");
            prop_assert!(!object.as_str().contains(".."), "{object}");
            prop_assert_eq!(Some(object.as_str()), name.as_deref());
        }
        Ok(true)
    });
}
