//! What a caller can read: content negotiation by RFC 9110, section 12.5.1.
//!
//! Few media types are on offer, so the rules fit on a screen; the crates that know them bring a
//! parser of everything that a media type can be.

use http::{HeaderMap, header};

/// What an answer can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// For programs.
    Json,
    /// For shells and people.
    Text,
    /// For programs which read every answer as one object, and what went wrong under `error`: JSON,
    /// with a problem's sentence there, too.
    Wrapped,
}

impl Media {
    /// Either, and what is for programs when a caller does not mind.
    pub(crate) const EITHER: &'static [Self] = &[Self::Json, Self::Text];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json | Self::Wrapped => "application/json",
            Self::Text => "text/plain",
        }
    }
}

/// What can be on offer.
pub(crate) trait Offer: Copy {
    /// The media type, without parameters.
    fn media_type(self) -> &'static str;
}

impl Offer for Media {
    fn media_type(self) -> &'static str {
        self.name()
    }
}

/// How exactly a range of media types means this one; not at all is `None`.
fn closeness(media_type: &str, range: &str) -> Option<u8> {
    let (own_type, _) = media_type.split_once('/')?;
    let (kind, subtype) = range.split_once('/')?;
    if range.eq_ignore_ascii_case(media_type) {
        Some(2)
    } else if subtype == "*" && kind.eq_ignore_ascii_case(own_type) {
        Some(1)
    } else {
        (range == "*/*").then_some(0)
    }
}

/// How much the caller wants it, from 0, which is not at all, to 1. The range that means it most
/// exactly decides.
fn quality(media_type: &str, accepted: &[Accepted<'_>]) -> f32 {
    let ranges =
        accepted.iter().filter_map(|it| Some((closeness(media_type, it.range)?, it.quality)));
    ranges.max_by_key(|(closeness, _)| *closeness).map_or(0.0, |(_, quality)| quality)
}

/// One element of the header.
struct Accepted<'a> {
    range: &'a str,
    quality: f32,
}

impl<'a> Accepted<'a> {
    /// Reads an element. One whose quality is not a number from 0 to 1 says nothing.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let range = parts.next()?;
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim_end().eq_ignore_ascii_case("q").then(|| value.trim_start())
        });
        let quality = quality.map_or(Ok(1.0), str::parse::<f32>).ok()?;
        (0.0..=1.0).contains(&quality).then_some(Self { range, quality })
    }
}

/// Chooses, of what is on offer, what the caller wants most, and of several the first. `None` when
/// it can read none of them.
pub(crate) fn negotiate<T: Offer>(headers: &HeaderMap, offered: &[T]) -> Option<T> {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return offered.first().copied();
    }
    let elements = values.filter_map(|value| value.to_str().ok()).flat_map(|it| it.split(','));
    let accepted: Vec<_> = elements.filter_map(Accepted::parse).collect();
    let mut best = None;
    for media in offered {
        let quality = quality(media.media_type(), &accepted);
        if quality > best.map_or(0.0, |(_, best)| best) {
            best = Some((*media, quality));
        }
    }
    best.map(|(media, _)| media)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{bytes_near, fuzz};

    #[test]
    fn the_most_exact_range_decides_and_then_the_quality() {
        use Media::{Json, Text};
        for (accept, chosen) in [
            ("*/*", Some(Json)),
            ("application/json", Some(Json)),
            ("APPLICATION/JSON ; Q=0.5", Some(Json)),
            ("text/html, application/*;q=0.8", Some(Json)),
            ("text/plain", Some(Text)),
            ("text/*, application/json", Some(Json)),
            ("application/json;q=0.5, text/plain", Some(Text)),
            ("application/json;q=0, */*", Some(Text)),
            ("*/*, application/json;q=0, text/plain;q=0.0", None),
            ("application/json;charset=utf-8", Some(Json)),
            ("text/html", None),
            ("application/json;q=0.000", None),
            ("application/json;q=NaN", None),
            ("application/json;q=2", None),
            ("application/*json", None),
            ("json", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(negotiate(&headers, &[Json, Text]), chosen, "{accept:?}");
            let json_alone = chosen.filter(|media| *media == Json);
            if chosen != Some(Text) {
                assert_eq!(negotiate(&headers, &[Json]), json_alone, "{accept:?}");
            }
        }
    }

    #[test]
    fn several_headers_are_one_and_none_is_no_wish() {
        let mut headers = HeaderMap::new();
        assert_eq!(negotiate(&headers, &[Media::Text, Media::Json]), Some(Media::Text));
        headers.append(header::ACCEPT, "text/html".parse().unwrap());
        headers.append(header::ACCEPT, "application/json".parse().unwrap());
        assert_eq!(negotiate(&headers, &[Media::Text, Media::Json]), Some(Media::Json));
    }

    #[test]
    fn fuzzed_wishes_are_granted_or_cannot_be() {
        let wishes = ["application/json;q=0.5, text/*; Q = 1", "*/*;q=0,text/plain", "a/b;q=1e-3"];
        fuzz("wishes for a media type", bytes_near(&wishes), |wish| {
            let Ok(value) = HeaderValue::from_bytes(&wish) else { return Ok(false) };
            let headers = [(header::ACCEPT, value)].into_iter().collect();
            let chosen = negotiate(&headers, &[Media::Json, Media::Text]);
            let text = String::from_utf8_lossy(&wish).to_ascii_lowercase();
            let is_named = |media: Media| {
                let (kind, _) = media.name().split_once('/').unwrap();
                [media.name(), &format!("{kind}/*"), "*/*"].iter().any(|it| text.contains(it))
            };
            prop_assert!(chosen.is_none_or(is_named), "{chosen:?}");
            Ok(chosen.is_some())
        });
    }
}
