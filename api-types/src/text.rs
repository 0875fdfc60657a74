//! Answers for shells: lines and tabs, so that `read`, `cut` and `awk` are all it takes.

use std::{collections::BTreeMap, fmt::Write};

use serde::Serialize;

use crate::{ContainerView, Deleted, JobView, QuotaItem, QuotaView, Word, Words, shown::is_unseen};

/// A value that a shell can read.
pub trait ShellText {
    /// Writes the value as lines. A field never has a tab of its own, nor ends its line: what would
    /// do so is spelt out as `printf %b` reads it.
    fn write_text(&self, text: &mut String);

    /// The value as lines.
    ///
    /// ```
    /// use tjf_api_types::ShellText;
    /// assert_eq!("a\tb\\".to_text(), "a\\tb\\\\\n");
    /// ```
    fn to_text(&self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }
}

/// A job of which a shell is told the name alone: the one that it has just changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Named(pub JobView);

impl ShellText for Named {
    fn write_text(&self, text: &mut String) {
        line(text, &[&self.0.name]);
    }
}

/// All that is known of a job, a line for each field.
impl ShellText for JobView {
    fn write_text(&self, text: &mut String) {
        self.write_fields("", text);
    }
}

/// A table of jobs, without a header.
impl ShellText for Vec<JobView> {
    fn write_text(&self, text: &mut String) {
        for job in self {
            line(text, &[&job.name, job.job_type.as_str(), job.status_words()]);
        }
    }
}

/// A table of containers, without a header.
impl ShellText for Vec<ContainerView> {
    fn write_text(&self, text: &mut String) {
        for container in self {
            line(text, &[&container.shortname, &container.image]);
        }
    }
}

impl ShellText for Deleted {
    fn write_text(&self, text: &mut String) {
        for name in &self.deleted {
            line(text, &[name]);
        }
    }
}

/// A line for each limit and each use, whose key is the category's and the limit's name.
impl ShellText for QuotaView {
    fn write_text(&self, text: &mut String) {
        for category in &self.categories {
            for QuotaItem { name, limit, used } in &category.items {
                let key = key_within(&category.name, name);
                line(text, &[&key_within(&key, "used"), used.as_deref().unwrap_or_default()]);
                line(text, &[&key_within(&key, "limit"), limit]);
            }
        }
    }
}

impl ShellText for &str {
    fn write_text(&self, text: &mut String) {
        line(text, &[self]);
    }
}

impl ShellText for String {
    fn write_text(&self, text: &mut String) {
        line(text, &[self]);
    }
}

/// One line of a table.
fn line(text: &mut String, fields: &[&str]) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            text.push('\t');
        }
        spell(field, text);
    }
    text.push('\n');
}

/// Writes a field. It stays on its line, and `printf %b` makes of it what it was.
fn spell(field: &str, text: &mut String) {
    for character in field.chars() {
        match character {
            '\\' => text.push_str(r"\\"),
            '\t' => text.push_str(r"\t"),
            '\n' => text.push_str(r"\n"),
            '\r' => text.push_str(r"\r"),
            unseen if is_unseen(unseen) => {
                for byte in unseen.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\0{byte:03o}");
                }
            }
            seen => text.push(seen),
        }
    }
}

/// A part of an answer, as lines of a key, a tab and a value. What is not there has an empty value;
/// the keys of an object within another, or of an element of an array, follow a dot.
pub(crate) trait Fields {
    /// Writes the lines. The key is empty for a whole answer.
    fn write_fields(&self, key: &str, text: &mut String);
}

/// The name of a field, which is written otherwise when it is a word of Rust too.
pub(crate) fn name(field: &str) -> &str {
    field.strip_prefix("r#").unwrap_or(field)
}

/// The key of a field of what has this key.
pub(crate) fn key_within(key: &str, field: &str) -> String {
    if key.is_empty() { field.to_owned() } else { format!("{key}.{field}") }
}

impl Fields for String {
    fn write_fields(&self, key: &str, text: &mut String) {
        line(text, &[key, self]);
    }
}

impl<T: Words> Fields for Word<T> {
    fn write_fields(&self, key: &str, text: &mut String) {
        line(text, &[key, self.as_str()]);
    }
}

macro_rules! displayed {
    ($($Type:ty),*) => {
        $(impl Fields for $Type {
            fn write_fields(&self, key: &str, text: &mut String) {
                line(text, &[key, &self.to_string()]);
            }
        })*
    };
}

displayed!(bool, u16, i32, i64);

impl<T: Fields> Fields for Option<T> {
    fn write_fields(&self, key: &str, text: &mut String) {
        match self {
            Some(value) => value.write_fields(key, text),
            None => line(text, &[key, ""]),
        }
    }
}

impl<T: Fields> Fields for Vec<T> {
    fn write_fields(&self, key: &str, text: &mut String) {
        if self.is_empty() {
            line(text, &[key, ""]);
        }
        for (at, value) in self.iter().enumerate() {
            value.write_fields(&key_within(key, &at.to_string()), text);
        }
    }
}

impl<T: Fields> Fields for BTreeMap<String, T> {
    fn write_fields(&self, key: &str, text: &mut String) {
        if self.is_empty() {
            line(text, &[key, ""]);
        }
        for (name, value) in self {
            value.write_fields(&key_within(key, name), text);
        }
    }
}

#[cfg(test)]
mod tests;
