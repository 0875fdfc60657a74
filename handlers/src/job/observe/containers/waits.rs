//! For what a container waits, in words.

use jiff::{SignedDuration, Timestamp};

use crate::job::{
    objects::{ContainerStatus, Waiting},
    time,
};

/// What of a registry's words says what, and how it is told. The first that fits counts; the words
/// themselves can name addresses that are nobody's business.
const REGISTRY: [(&[&str], &str); 5] = [
    (
        &["no such host", "dial tcp", "timeout", "connection refused", "EOF"],
        "the registry can't be reached",
    ),
    (&["toomanyrequests", "429"], "the registry is asked too often at the moment"),
    (&["denied", "unauthorized", "authorization failed", "401", "403"], "the registry refuses it"),
    (&["not found", "manifest unknown", "404"], "the registry does not have it"),
    (&["x509", "tls:"], "the registry's certificate can't be trusted"),
];

/// A sentence about what the container waits for, by Kubernetes' word and sentence for it.
pub(super) fn sentence(waiting: &Waiting) -> String {
    match waiting.reason.as_str() {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" => {
            let why = why_not_pulled(waiting).map(|why| format!(", because {why}"));
            format!(
                "its container image{} can't be fetched{}: ask an administrator, or use another container",
                image(&waiting.message).map(|image| format!(" `{image}`")).unwrap_or_default(),
                why.unwrap_or_default()
            )
        }
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            "its container can't be made: ask an administrator".to_owned()
        }
        _ => "its container waits".to_owned(),
    }
}

/// When a container is started again that has ended: so long after that as Kubernetes says.
pub(super) fn next_start(container: &ContainerStatus, ended: Option<Timestamp>) -> Option<String> {
    let message = &container.state.waiting.as_ref()?.message;
    let pause = message.strip_prefix("back-off ")?.split(' ').next()?;
    let pause: SignedDuration = pause.parse().ok()?;
    Some(time::written(ended?.checked_add(pause).ok()?))
}

fn why_not_pulled(waiting: &Waiting) -> Option<&'static str> {
    match waiting.reason.as_str() {
        "InvalidImageName" => return Some("that is not the name of an image"),
        "ErrImageNeverPull" => return Some("its node may not fetch it and does not have it"),
        _ => {}
    }
    let says = |words: &[&str]| words.iter().any(|word| waiting.message.contains(word));
    REGISTRY.iter().find(|(words, _)| says(words)).map(|(_, why)| *why)
}

/// The image is what Kubernetes' sentence quotes first.
fn image(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('"')?;
    let (image, _) = rest.split_once('"')?;
    let is_image =
        !image.is_empty() && image.len() <= 255 && image.bytes().all(|it| it.is_ascii_graphic());
    is_image.then_some(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reason: &str, message: &str) -> String {
        sentence(&Waiting { reason: reason.to_owned(), message: message.to_owned() })
    }

    #[test]
    fn what_the_registry_said_is_told_in_a_few_words() {
        let pull = |words: &str| {
            told(
                "ErrImagePull",
                &format!("failed to pull and unpack image \"r.example/a:1\": {words}"),
            )
        };
        for (words, why) in [
            ("dial tcp: lookup r.example on 10.0.0.53:53: no such host", "can't be reached"),
            ("r.example/a:1: not found", "the registry does not have it"),
            ("server message: insufficient_scope: authorization failed", "the registry refuses it"),
            ("unexpected status: 429 Too Many Requests", "asked too often"),
            ("x509: certificate signed by unknown authority", "can't be trusted"),
        ] {
            let told = pull(words);
            assert!(told.contains(why), "{told}");
            assert!(
                told.starts_with("its container image `r.example/a:1` can't be fetched, because")
            );
            assert!(!told.contains("10.0.0.53"), "{told}");
        }
        let back_off = "Back-off pulling image \"r.example/a:1\"";
        let expected = "its container image `r.example/a:1` can't be fetched: ask an administrator, or use another container";
        assert_eq!(told("ImagePullBackOff", back_off), expected);
        assert!(told("InvalidImageName", "").starts_with("its container image can't be fetched"));
        assert!(told("ErrImagePull", "say \"hello there\" twice").contains("image can't"));
    }

    #[test]
    fn the_next_start_comes_after_the_pause_that_kubernetes_tells() {
        let at = |message: &str| {
            let mut container = ContainerStatus::default();
            let message = message.to_owned();
            container.state.waiting =
                Some(Waiting { reason: "CrashLoopBackOff".to_owned(), message });
            next_start(&container, Some(Timestamp::UNIX_EPOCH))
        };
        let message = "back-off 2m40s restarting failed container=job pod=a-x_tool-a(1)";
        assert_eq!(at(message).as_deref(), Some("1970-01-01T00:02:40Z"));
        assert_eq!(at("back-off soon"), None);
        assert_eq!(at(""), None);
    }
}
