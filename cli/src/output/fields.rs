//! Values with their names in front, aligned.

use std::fmt;

use super::{Style, paint, text::visible};

/// Names and values, in the order in which they are told.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    fields: Vec<(&'static str, String, Style)>,
}

impl Fields {
    /// Adds a value.
    pub(crate) fn add(&mut self, name: &'static str, value: impl fmt::Display) {
        self.add_styled(name, &value.to_string(), Style::Plain);
    }

    /// Adds a value that stands out. An empty one is one that the answer does not have.
    pub(crate) fn add_styled(&mut self, name: &'static str, value: &str, style: Style) {
        if !value.is_empty() {
            self.fields.push((name, value.to_owned(), style));
        }
    }

    /// Adds a value when there is one.
    pub(crate) fn add_some(&mut self, name: &'static str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    pub(super) fn render(&self, is_colored: bool) -> String {
        let width = self.fields.iter().map(|(name, ..)| name.len() + 1).max().unwrap_or(0);
        let mut text = String::new();
        for (name, value, style) in &self.fields {
            let name = format!("{name}:");
            let value = visible(value);
            text.push_str(&format!("{name:width$} {}\n", paint(&value, *style, is_colored)));
        }
        text
    }
}
