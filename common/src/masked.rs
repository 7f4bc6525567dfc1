//! Text that may leave the process.
//!
//! Owns the type [`Masked`] and the only ways to make one: through [`Redact`], which the engine
//! implements; from the program's own words; from parts that are safe already
//! ([`masked!`](crate::masked!)); and by [`read()`], which masks every string of a document. It
//! knows no rule: what a secret is, the engine decides.

mod part;
mod read;
#[cfg(test)]
pub(crate) mod verbatim;

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use part::Part;
pub use read::{ReadError, read, read_back};

use crate::plain;

/// Hides secrets in text. Only the engine implements it: an implementation that hides nothing would
/// undo what [`Masked`] promises.
pub trait Redact {
    /// `text` with everything hidden that is taken for a secret.
    fn redact(&mut self, text: &str) -> String;

    /// Whether there is anything to hide in any of `texts`, or in a line of them.
    fn finds_any(&mut self, texts: &[String]) -> bool {
        texts.iter().any(|text| self.redact(text) != *text)
    }
}

/// Text in which everything is hidden that the engine takes for a secret. Everything that leaves
/// the process is made of it.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Masked(String);

impl Masked {
    /// Nothing.
    pub const EMPTY: Self = Self(String::new());

    /// Masks `text`.
    pub fn new(redact: &mut (impl Redact + ?Sized), text: &str) -> Self {
        if text.is_empty() { Self::EMPTY } else { Self(redact.redact(text)) }
    }

    /// Text that was masked before it was stored. Only the rooms that read storage may call this.
    pub fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The parts one after the other: see [`masked!`](crate::masked!).
    pub fn of(parts: &[&dyn Part]) -> Self {
        let mut text = String::new();
        parts.iter().for_each(|part| part.append(&mut text));
        Self(text)
    }

    /// Texts with `separator` between them.
    pub fn join<'m>(texts: impl IntoIterator<Item = &'m Self>, separator: &'static str) -> Self {
        let texts: Vec<&str> = texts.into_iter().map(Self::as_str).collect();
        Self(texts.join(separator))
    }

    /// As one harmless line of at most `max` characters: see [`plain::cut`].
    #[must_use]
    pub fn cut(&self, max: usize) -> Self {
        Self(plain::cut(self, max))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no text: for `serde`, which needs a path.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Deref for Masked {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Masked {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl AsRef<std::path::Path> for Masked {
    fn as_ref(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }
}

impl Borrow<str> for Masked {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Masked {
    fn from(words: &'static str) -> Self {
        Self(words.to_owned())
    }
}

impl From<Masked> for String {
    fn from(masked: Masked) -> Self {
        masked.0
    }
}

impl PartialEq<str> for Masked {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Masked {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<String> for Masked {
    fn eq(&self, other: &String) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for Masked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Masked {
    /// Only within [`read()`] or [`read_back`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read::certified()?;
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Masked {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        String::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::verbatim::Verbatim;
    use super::*;
    use crate::masked;

    #[test]
    fn parts_are_put_together() {
        let branch = Masked::new(&mut Verbatim, "main");
        assert_eq!(masked!["merge base with `", branch, "`, ", 3_u64, " commits"], "merge base with `main`, 3 commits");
        assert_eq!(Masked::join([&branch, &Masked::from("next")], "; "), "main; next");
    }
}
