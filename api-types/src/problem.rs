//! The error document (RFC 9457), in both directions.

use crate::answer::answer;

/// What stands before the name of a kind of error.
pub const PROBLEMS: &str = "/problems/";

/// One kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Its stable name.
    pub slug: &'static str,
    /// The status of every such answer.
    pub status: u16,
    /// When it comes, and what to do then.
    pub meaning: &'static str,
}

/// Every kind of error that there is, by status.
pub const KINDS: &[Kind] = &[
    Kind {
        slug: "invalid-request",
        status: 400,
        meaning: "Something is not as it has to be: `field` names it.",
    },
    Kind {
        slug: "invalid-schedule",
        status: 400,
        meaning: "Kubernetes would not take this schedule.",
    },
    Kind {
        slug: "invalid-container",
        status: 400,
        meaning: "The catalogue has no such container.",
    },
    Kind {
        slug: "invalid-limits",
        status: 400,
        meaning: "The tool's namespace does not allow such memory or CPU.",
    },
    Kind {
        slug: "unauthenticated",
        status: 401,
        meaning: "There is no certificate, or not a usable one.",
    },
    Kind {
        slug: "forbidden",
        status: 403,
        meaning: "The certificate is of another organisation or tool, or Kubernetes does not let the tool do this.",
    },
    Kind {
        slug: "no-credentials",
        status: 403,
        meaning: "The tool's home holds no certificate that can be used.",
    },
    Kind {
        slug: "credentials-rejected",
        status: 403,
        meaning: "Kubernetes refuses the tool's certificate.",
    },
    Kind {
        slug: "quota-exceeded",
        status: 403,
        meaning: "A quota is in the way: the detail says which.",
    },
    Kind { slug: "job-not-found", status: 404, meaning: "The tool has no such job." },
    Kind { slug: "route-not-found", status: 404, meaning: "There is nothing under this path." },
    Kind {
        slug: "method-not-allowed",
        status: 405,
        meaning: "This path takes the methods that `Allow` names.",
    },
    Kind {
        slug: "not-acceptable",
        status: 406,
        meaning: "There is no answer of the types in `Accept`.",
    },
    Kind { slug: "job-exists", status: 409, meaning: "The name is taken." },
    Kind {
        slug: "object-too-large",
        status: 409,
        meaning: "An object in the tool's namespace is too large to be read.",
    },
    Kind { slug: "body-too-large", status: 413, meaning: "The body is larger than 64 KiB." },
    Kind {
        slug: "unsupported-media-type",
        status: 415,
        meaning: "The body is neither JSON nor a form, or it is packed.",
    },
    Kind {
        slug: "internal",
        status: 500,
        meaning: "A fault of the service: its administrators find it under the request's id.",
    },
    Kind {
        slug: "cluster-unavailable",
        status: 503,
        meaning: "Kubernetes, or the tool's home, does not answer: try again. Nothing was done.",
    },
    Kind {
        slug: "overloaded",
        status: 503,
        meaning: "Too much at once: try again. Nothing was done.",
    },
    Kind {
        slug: "deadline-exceeded",
        status: 504,
        meaning: "It was not done in time, or may have been done: the detail says who tells.",
    },
];

/// The kind of error with this slug.
pub fn kind_of_problem(slug: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.slug == slug)
}

answer! {
    /// One error, as clients read it.
    #[derive(Default, Eq)]
    pub struct Problem {
        optional:
        /// `/problems/<slug>`: the stable name of this kind of error.
        #[serde(rename = "type")]
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::problem_types"))]
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
