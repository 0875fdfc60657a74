//! The error document (RFC 9457), in both directions.

use crate::answer::answer;

/// What stands before the name of a kind of error.
pub const PROBLEMS: &str = "/problems/";

answer! {
    /// One error, as clients read it.
    #[derive(Default, Eq)]
    pub struct Problem {
        optional:
        /// `/problems/<slug>`: the stable name of this kind of error.
        #[serde(rename = "type")]
        pub kind: String,
        /// The kind of error in words.
        pub title: String,
        /// HTTP status, the same as the answer's.
        pub status: u16,
        /// What went wrong this time, and what would be right.
        pub detail: String,
        /// The request's id.
        pub instance: String,
        /// The same text as `detail`; older clients read it.
        pub message: String,
        /// The field at fault, when there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub field: Option<String>,
    }
}

impl Problem {
    /// A problem of one kind. The title is the slug in words.
    pub fn new(
        slug: &str,
        status: u16,
        detail: impl Into<String>,
        instance: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        let mut title = slug.replace('-', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            kind: format!("{PROBLEMS}{slug}"),
            title,
            status,
            message: detail.clone(),
            detail,
            instance: instance.into(),
            field: None,
        }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The stable name of this kind of error.
    pub fn slug(&self) -> &str {
        self.kind.strip_prefix(PROBLEMS).unwrap_or(&self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_goes_there_and_back() {
        let problem =
            Problem::new("job-not-found", 404, "there is no job `x`", "r1").with_field("name");
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(
            text,
            r#"{"type":"/problems/job-not-found","title":"Job not found","status":404,"detail":"there is no job `x`","instance":"r1","message":"there is no job `x`","field":"name"}"#
        );
        let back: Problem = serde_json::from_str(&text).unwrap();
        assert_eq!((back.slug(), &back), ("job-not-found", &problem));
    }
}
