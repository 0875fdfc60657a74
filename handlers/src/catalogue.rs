//! Containers on offer.

use serde::Deserialize;
use tjf_api_types::{ContainerState, ContainerView};

/// What the operator offers; read from a file that may change at any time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    shortname: String,
    image: String,
    state: ContainerState,
    #[serde(default)]
    aliases: Vec<String>,
}

impl Catalogue {
    /// Reads `[{"shortname","image","state","aliases":[]}]`.
    ///
    /// # Errors
    /// When it is not that, or one name means two containers.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let entries: Vec<Entry> =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut names: Vec<_> = entries.iter().flat_map(Entry::names).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("`{}` means two containers", twice[0]));
        }
        if names.first().is_some_and(|name| name.is_empty()) {
            return Err("a container has an empty name".to_owned());
        }
        Ok(Self(entries))
    }

    /// The short name and the image that a short name or an alias means.
    pub fn find(&self, name: &str) -> Option<(&str, &str)> {
        let entry = self.0.iter().find(|entry| entry.names().any(|known| known == name))?;
        Some((&entry.shortname, &entry.image))
    }

    /// The short name and the state of an image, if it is on offer. Of several short names that mean
    /// it, the one that was asked for, by itself or by an alias.
    pub fn by_image(&self, image: &str, asked: Option<&str>) -> Option<(&str, ContainerState)> {
        let mut entries = self.0.iter().filter(|entry| entry.image == image);
        let first = entries.clone().next()?;
        let was_asked = |entry: &&Entry| entry.names().any(|name| Some(name) == asked);
        let entry = entries.find(was_asked).unwrap_or(first);
        Some((&entry.shortname, entry.state))
    }

    /// Everything on offer, in the operator's order.
    pub fn views(&self) -> Vec<ContainerView> {
        self.0
            .iter()
            .map(|Entry { shortname, image, state, .. }| ContainerView {
                shortname: shortname.clone(),
                image: image.clone(),
                state: (*state).into(),
            })
            .collect()
    }
}

impl Entry {
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.shortname.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str = r#"[
        {"shortname": "tf-busybox", "image": "r/busybox:1", "state": "stable", "aliases": ["busybox"]},
        {"shortname": "tf-old", "image": "r/old:1", "state": "deprecated"}
    ]"#;

    #[test]
    fn a_short_name_and_its_aliases_mean_the_same_container() {
        let catalogue = Catalogue::parse(CATALOGUE.as_bytes()).unwrap();
        for name in ["tf-busybox", "busybox"] {
            assert_eq!(catalogue.find(name), Some(("tf-busybox", "r/busybox:1")));
        }
        assert_eq!(catalogue.find("r/busybox:1"), None);
        assert_eq!(
            catalogue.by_image("r/old:1", None),
            Some(("tf-old", ContainerState::Deprecated))
        );
        assert_eq!(catalogue.by_image("r/gone:1", Some("tf-old")), None);
    }

    #[test]
    fn of_two_short_names_of_one_image_the_one_that_was_asked_for_counts() {
        let offer = r#"[
            {"shortname": "new", "image": "r/a:1", "state": "stable"},
            {"shortname": "old", "image": "r/a:1", "state": "deprecated", "aliases": ["older"]}
        ]"#;
        let catalogue = Catalogue::parse(offer.as_bytes()).unwrap();
        let (new, old) = (("new", ContainerState::Stable), ("old", ContainerState::Deprecated));
        for (asked, entry) in [
            (Some("old"), old),
            (Some("older"), old),
            (Some("new"), new),
            (Some("x"), new),
            (None, new),
        ] {
            assert_eq!(catalogue.by_image("r/a:1", asked), Some(entry), "{asked:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_a_catalogue_is_refused() {
        let entry = |name: &str, alias: &str| {
            format!(
                r#"{{"shortname":"{name}","image":"i","state":"stable","aliases":["{alias}"]}}"#
            )
        };
        for text in [
            String::new(),
            "{}".to_owned(),
            r#"[{"shortname":"a","image":"i","state":"new"}]"#.to_owned(),
            r#"[{"shortname":"a","image":"i","state":"stable","alias":"b"}]"#.to_owned(),
            format!("[{},{}]", entry("a", "b"), entry("b", "c")),
            format!("[{}]", entry("a", "")),
        ] {
            assert!(Catalogue::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
