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

    /// The short name of an image.
    pub fn short_name(&self, image: &str) -> Option<&str> {
        self.by_image(image).map(|entry| entry.shortname.as_str())
    }

    /// Whether an image is still on offer.
    pub fn state_of(&self, image: &str) -> Option<ContainerState> {
        self.by_image(image).map(|entry| entry.state)
    }

    /// Everything on offer, in the operator's order.
    pub fn views(&self) -> Vec<ContainerView> {
        self.0
            .iter()
            .map(|Entry { shortname, image, state, .. }| ContainerView {
                shortname: shortname.clone(),
                image: image.clone(),
                state: *state,
            })
            .collect()
    }

    fn by_image(&self, image: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.image == image)
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
        assert_eq!(catalogue.short_name("r/old:1"), Some("tf-old"));
        assert_eq!(catalogue.state_of("r/gone:1"), None);
    }

    #[test]
    fn a_file_that_is_no_catalogue_is_refused() {
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
