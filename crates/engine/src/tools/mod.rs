//! The owner's local web programs: how they are named and where they listen.

pub(crate) mod target;

use serde::{Deserialize, Serialize};
use std::fmt;

/// A tool's short, stable name: letters, digits and dashes, as it stands in the settings file and in host names.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ToolId(String);

/// The text is not an id.
#[derive(Debug, thiserror::Error)]
#[error("a tool's id has 1 to 40 lower-case letters, digits and dashes")]
pub(crate) struct BadToolId;

impl ToolId {
    /// The id a name suggests; `taken` tells which are in use.
    pub(crate) fn from_name(name: &str, taken: impl Fn(&Self) -> bool) -> Self {
        let mut slug = String::new();
        for letter in name.chars().flat_map(char::to_lowercase) {
            if letter.is_ascii_alphanumeric() {
                slug.push(letter);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() >= MAX_ID - 5 {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        let slug = if slug.is_empty() || RESERVED_IDS.contains(&slug) { "tool" } else { slug };
        let mut id = Self(slug.to_owned());
        let mut number = 2_u32;
        while taken(&id) {
            id = Self(format!("{slug}-{number}"));
            number += 1;
        }
        id
    }

    /// An id as it was stored; one that names no tool simply matches none.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ToolId {
    type Error = BadToolId;

    fn try_from(text: String) -> Result<Self, BadToolId> {
        let letters =
            text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let edges = !text.starts_with('-') && !text.ends_with('-');
        let good = !text.is_empty() && text.len() <= MAX_ID && letters && edges;
        if good && !RESERVED_IDS.contains(&text.as_str()) { Ok(Self(text)) } else { Err(BadToolId) }
    }
}

impl From<ToolId> for String {
    fn from(id: ToolId) -> Self {
        id.0
    }
}

impl fmt::Display for ToolId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Host names of ours that a tool must not take under the owner's domain.
const RESERVED_IDS: &[&str] = &[GATE_LABEL, "www"];
/// The gate's own label under the owner's domain.
pub(crate) const GATE_LABEL: &str = "gate";
/// Longest id (a DNS label has 63, RFC 1035 §2.3.4; room is left for numbers).
const MAX_ID: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        let id = |name: &str| ToolId::from_name(name, |_| false).0;
        assert_eq!(id("JupyterLab"), "jupyterlab");
        assert_eq!(id("My  Blog (draft)"), "my-blog-draft");
        assert_eq!(id("日記"), "tool");
        assert_eq!(id("Gate"), "tool");
        assert_eq!(ToolId::from_name("a", |id| id.0 == "a").0, "a-2");
        assert!(ToolId::try_from(id(&"x".repeat(200))).is_ok());
    }

    #[test]
    fn edited_ids_are_checked() {
        for text in ["", "A", "a_b", "-a", "a-", "gate", "a/b", &"a".repeat(41)] {
            assert!(ToolId::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
