//! GET `quotas/`: what the tool may have, and what it has.

use serde::Serialize;
use tjf_api_types::{QuotaCategory, QuotaItem, QuotaView};
use tjf_runtime::{Json, JsonAlone};

use super::{Messages, OwnTool};
use crate::{error::Result, quota};

/// What stands in the place of a use that nobody counts, beside one that is counted.
const NOT_COUNTED: &str = "-";

/// Limits and use.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Quotas {
    /// What the tool may have, and what it has.
    quota: Quota,
    /// What a person should know.
    messages: Messages,
}

/// Limits and use, by what they are about.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Quota {
    /// Those that anything is limited in.
    categories: Vec<Category>,
}

/// Limits of one sort, one at least: by the first the reader tells whether all have a use.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Category {
    /// What they are about, in words.
    name: String,
    /// The limits.
    items: Vec<Item>,
}

/// One limit.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Item {
    /// What is limited, in words.
    name: String,
    /// How much is allowed.
    limit: String,
    /// How much is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<String>,
}

/// Tells limits and use.
///
/// # Errors
/// When Kubernetes does not tell.
pub(super) async fn quotas(OwnTool(context): OwnTool) -> Result<JsonAlone<Quotas>> {
    let Json(quota) = quota::quota(context).await?;
    let quota = Quota { categories: categories(quota) };
    Ok(JsonAlone(Quotas { quota, messages: Messages::default() }))
}

fn categories(quota: QuotaView) -> Vec<Category> {
    let has_items = |category: &QuotaCategory| !category.items.is_empty();
    quota.categories.into_iter().filter(has_items).map(category).collect()
}

fn category(QuotaCategory { name, items }: QuotaCategory) -> Category {
    let is_counted = items.iter().any(|item| item.used.is_some());
    let item = |QuotaItem { name, limit, used }| {
        let used = is_counted.then(|| used.unwrap_or_else(|| NOT_COUNTED.to_owned()));
        Item { name, limit, used }
    };
    Category { name, items: items.into_iter().map(item).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_uses_of_a_category_are_all_there_or_none_and_no_category_is_empty() {
        let quota = serde_json::from_value(json!({"categories": [
            {"name": "Each", "items": [{"name": "CPU", "limit": "1", "used": null}]},
            {"name": "All", "items": [
                {"name": "Pods", "limit": "16", "used": "3"},
                {"name": "Odd", "limit": "5", "used": null},
            ]},
            {"name": "None", "items": []},
        ]}));
        let told = serde_json::to_value(categories(quota.unwrap())).unwrap();
        assert_eq!(
            told,
            json!([
                {"name": "Each", "items": [{"name": "CPU", "limit": "1"}]},
                {"name": "All", "items": [
                    {"name": "Pods", "limit": "16", "used": "3"},
                    {"name": "Odd", "limit": "5", "used": "-"},
                ]},
            ])
        );
    }
}
