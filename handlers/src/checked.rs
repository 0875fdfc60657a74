//! From what a caller sends to a job that may be created: with what only the service knows, such as
//! the catalogue and the caller's home.

use tjf_api_types::{RunRequest, Shown, Suffix};
use tjf_runtime::chance;

use crate::{
    Context,
    job::{
        Job, MADE_UP_KEY,
        request::{self, Invalid, Rule, RunsAs},
        schedule::stable_hash,
    },
};

/// The job that a request asks for, with its caller's key or one that is made up.
///
/// # Errors
/// The first field that can't be as it is.
pub fn job(context: &Context, request: RunRequest, key: Option<String>) -> Result<Job, Invalid> {
    let tool = context.caller.name.tool();
    let catalogue = context.state.catalogue.get();
    let (shortname, image) = catalogue.find(&request.imagename).ok_or_else(|| {
        let detail = match request.imagename.as_str() {
            "" => "the container's name is empty: `containers` shows what there is".to_owned(),
            name => {
                let name = Shown::new(name);
                format!("there is no container `{name}`: `containers` shows what there is")
            }
        };
        Invalid::of(Rule::Container, "imagename", detail)
    })?;
    let runs_as = RunsAs {
        tool,
        home: &context.state.pod_settings.home_of(tool),
        suffix: suffix(tool.as_str(), key.as_deref()),
        idempotency_key: key.unwrap_or_else(made_up_key),
        container: (shortname.to_owned(), image.to_owned()),
    };
    request::check(request, runs_as)
}

/// By this an object is known as this very request's.
fn made_up_key() -> String {
    format!("{MADE_UP_KEY}{:016x}{:016x}", chance::number(), chance::number())
}

/// The end of a made-up name: the same for a repeated request, else any.
fn suffix(tool: &str, key: Option<&str>) -> Suffix {
    match key {
        Some(key) => Suffix::from_number(stable_hash(tool, key)),
        None => Suffix::from_number(chance::number()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_made_up_for_a_key_is_always_the_same() {
        assert_eq!(suffix("tf-test", Some("k1")), suffix("tf-test", Some("k1")));
        assert_ne!(suffix("tf-test", Some("k1")), suffix("tf-other", Some("k1")));
        assert_ne!(suffix("tf-test", Some("k1")), suffix("tf-test", Some("k2")));
    }
}
