//! A sentence before it has words: which message, and what it is about. Sentences may hold others, such as causes.

use std::{
    fmt::Display,
    net::{IpAddr, SocketAddr},
    path::Path,
};

/// The id of a message and its arguments. Two are equal when they say the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sentence {
    pub(crate) id: &'static str,
    pub(crate) arguments: Vec<(&'static str, Argument)>,
}

/// What stands in a place of a sentence.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Argument {
    /// Words or a name, as it is.
    Text(String),
    /// A count; the language chooses the words around it.
    Number(u64),
    /// Another sentence, in the same form as the one around it.
    Sentence(Box<Sentence>),
}

/// What has something to say to the owner.
pub trait Tell {
    /// What happened, what it means, what to do.
    fn sentence(&self) -> Sentence;
}

impl Sentence {
    /// The message with this id in the language files.
    #[must_use]
    pub const fn new(id: &'static str) -> Self {
        Self { id, arguments: Vec::new() }
    }

    /// The same with something in one of its places.
    #[must_use]
    pub fn with(mut self, name: &'static str, argument: impl Into<Argument>) -> Self {
        self.arguments.push((name, argument.into()));
        self
    }

    /// The same with the words of something that can only be printed, such as what the system said.
    #[must_use]
    pub fn quoting(self, name: &'static str, words: &impl Display) -> Self {
        self.with(name, words.to_string())
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&&str> for Argument {
    fn from(text: &&str) -> Self {
        Self::Text((*text).to_owned())
    }
}

impl From<&String> for Argument {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&Path> for Argument {
    fn from(path: &Path) -> Self {
        Self::Text(path.display().to_string())
    }
}

impl From<IpAddr> for Argument {
    fn from(address: IpAddr) -> Self {
        Self::Text(address.to_string())
    }
}

impl From<SocketAddr> for Argument {
    fn from(address: SocketAddr) -> Self {
        Self::Text(address.to_string())
    }
}

/// A port is a name made of digits, never a count: no language may put marks between them.
impl From<u16> for Argument {
    fn from(port: u16) -> Self {
        Self::Text(port.to_string())
    }
}

impl From<u64> for Argument {
    fn from(count: u64) -> Self {
        Self::Number(count)
    }
}

impl From<usize> for Argument {
    fn from(count: usize) -> Self {
        Self::Number(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl From<Sentence> for Argument {
    fn from(sentence: Sentence) -> Self {
        Self::Sentence(Box::new(sentence))
    }
}
