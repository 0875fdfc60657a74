//! The verbs of Kubernetes' API.

use http::Method;

use crate::job::kind::Kind;

/// What is asked of Kubernetes, as its roles know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Shows one object.
    Get,
    /// Shows all objects of a kind that are asked for.
    List,
    /// Creates an object.
    Create,
    /// Says whether it would create an object: a dry run.
    TryCreate,
    /// Changes some fields of one object: a merge patch.
    Patch,
    /// Deletes one object.
    Delete,
    /// Deletes all objects of a kind that are asked for.
    DeleteCollection,
}

impl Verb {
    /// The same in HTTP.
    pub(super) fn method(self) -> Method {
        match self {
            Self::Get | Self::List => Method::GET,
            Self::Create | Self::TryCreate => Method::POST,
            Self::Patch => Method::PATCH,
            Self::Delete | Self::DeleteCollection => Method::DELETE,
        }
    }

    /// Whether it changes nothing.
    pub(super) fn is_read(self) -> bool {
        match self {
            Self::Get | Self::List | Self::TryCreate => true,
            Self::Create | Self::Patch | Self::Delete | Self::DeleteCollection => false,
        }
    }

    /// What the body of a call is, if it has one.
    pub(super) fn media_type(self) -> &'static str {
        if self == Self::Patch { "application/merge-patch+json" } else { "application/json" }
    }

    /// In words, such as `create jobs`.
    pub(super) fn of(self, kind: Kind) -> String {
        let verb = match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Create | Self::TryCreate => "create",
            Self::Patch => "patch",
            Self::Delete | Self::DeleteCollection => "delete",
        };
        format!("{verb} {}", kind.plural())
    }
}
