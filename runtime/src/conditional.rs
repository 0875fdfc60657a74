//! What a reader knows already, and whether it wants to hear what others were told: RFC 9110,
//! section 13.1.2, and RFC 9111, section 5.2.1.

use http::{HeaderMap, Method, StatusCode, header};

use crate::{
    body::{ReplyBody, Response},
    failure::Failure,
    input::{Input, Received},
};

/// Whether an answer may come from memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recall {
    /// It may.
    #[default]
    Allowed,
    /// The request says `Cache-Control: no-cache`.
    Refused,
}

impl Input for Recall {
    const HEADER: Option<&'static str> = Some("cache-control");

    fn from_request(received: &Received) -> Result<Self, Failure> {
        let refuses = |directive: &str| {
            ["no-cache", "no-store", "max-age=0"]
                .iter()
                .any(|it| directive.eq_ignore_ascii_case(it))
        };
        let is_refused = elements(received.headers(), &header::CACHE_CONTROL).any(refuses);
        Ok(if is_refused { Self::Refused } else { Self::Allowed })
    }
}

/// The tags of answers that a reader has, as it sent them.
#[derive(Debug, Default)]
pub(crate) struct KnownTags(HeaderMap);

impl KnownTags {
    /// Those of a request; none when it is not to read.
    pub(crate) fn of(received: &Received) -> Self {
        let mut known = HeaderMap::new();
        if matches!(received.parts.method, Method::GET | Method::HEAD) {
            for value in received.headers().get_all(header::IF_NONE_MATCH) {
                known.append(header::IF_NONE_MATCH, value.clone());
            }
        }
        Self(known)
    }

    /// The answer, or only that the reader has it already.
    pub(crate) fn leave_out_what_is_known(&self, mut response: Response) -> Response {
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let Some(tag) = tag else { return response };
        let is_this = |known: &str| known == "*" || known.trim_start_matches("W/") == tag;
        if elements(&self.0, &header::IF_NONE_MATCH).any(is_this) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = ReplyBody::from(Vec::new());
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        response
    }
}

/// The elements of a header that is a list. No tag of ours has a comma.
fn elements<'a>(
    headers: &'a HeaderMap,
    name: &header::HeaderName,
) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{
        accept::Media,
        reply::{Reply, Written},
        router::Variables,
    };

    fn received(method: Method, headers: &[(&str, &str)]) -> Received {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Received {
            parts,
            body: bytes::Bytes::new(),
            variables: Variables::default(),
            media: Media::Json,
        }
    }

    #[test]
    fn memory_is_refused_by_who_says_so() {
        for (value, expected) in [
            ("no-cache", Recall::Refused),
            ("max-age=60, No-Cache", Recall::Refused),
            ("no-store", Recall::Refused),
            ("max-age=0", Recall::Refused),
            ("max-age=60", Recall::Allowed),
            ("no-cachet", Recall::Allowed),
            ("", Recall::Allowed),
        ] {
            let received = received(Method::GET, &[("cache-control", value)]);
            assert_eq!(Recall::from_request(&received).unwrap(), expected, "{value}");
        }
        assert_eq!(Recall::from_request(&received(Method::GET, &[])).unwrap(), Recall::Allowed);
    }

    #[test]
    fn an_answer_in_text_has_a_tag_of_its_own() {
        let json = Written::from_json::<String>("\"a\\tb\"".into());
        let [in_json, in_text] = [Media::Json, Media::Text].map(|media| {
            let response = json.clone().into_response(media).unwrap();
            response.headers()[header::ETAG].to_str().unwrap().to_owned()
        });
        assert_ne!(in_json, in_text);
        let received = received(Method::GET, &[("if-none-match", &in_json)]);
        let known = KnownTags::of(&received);
        for (media, status) in [(Media::Json, 304), (Media::Text, 200)] {
            let response =
                known.leave_out_what_is_known(json.clone().into_response(media).unwrap());
            assert_eq!(response.status().as_u16(), status);
        }
    }

    #[test]
    fn who_has_an_answer_is_told_so_and_nothing_else() {
        let answer = || {
            let written = Written::from_json::<String>("\"a\"".into());
            Reply::into_response(written, Media::Json).unwrap()
        };
        let tag = answer().headers()[header::ETAG].to_str().unwrap().to_owned();
        let weak = format!("W/{tag}");
        let among = format!("\"other\" , {tag}");
        for (method, known, is_left_out) in [
            (Method::GET, tag.as_str(), true),
            (Method::HEAD, &tag, true),
            (Method::GET, &weak, true),
            (Method::GET, &among, true),
            (Method::GET, "*", true),
            (Method::GET, "\"other\"", false),
            (Method::GET, tag.trim_matches('"'), false),
            (Method::POST, &tag, false),
        ] {
            let received = received(method, &[("if-none-match", known)]);
            let response = KnownTags::of(&received).leave_out_what_is_known(answer());
            assert_eq!(response.status() == StatusCode::NOT_MODIFIED, is_left_out, "{known}");
            assert_eq!(response.headers()[header::ETAG], tag);
            assert_eq!(response.headers().contains_key(header::CONTENT_TYPE), !is_left_out);
            let length = hyper::body::Body::size_hint(response.body()).exact();
            assert_eq!(length == Some(0), is_left_out, "{known}");
        }
    }
}
