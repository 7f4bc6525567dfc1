//! One place where something does not fit.
//!
//! Owns the words. They never quote a value: what does not fit may hold a secret.

use std::fmt;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value;

/// One place where something does not fit.
#[derive(Clone, Debug)]
pub(crate) struct Mismatch {
    /// Where: a JSON pointer into the body, or the name of a query parameter or header.
    pub(crate) at: String,
    /// In plain words.
    pub(crate) words: String,
    /// What the server would have to say about it in particular.
    pub(crate) detail: Detail,
}

/// What does not fit, as far as the server has words of its own for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// A property that is required is not there.
    Property(String),
    /// Too many characters: how many may be, and how many there are.
    Characters(u64, usize),
    /// Too many items: how many may be.
    Items(u64),
    /// Anything else.
    Other,
}

impl Mismatch {
    /// Without anything in particular.
    pub(crate) fn plain(at: &str, words: &str) -> Self {
        Self { at: at.to_owned(), words: words.to_owned(), detail: Detail::Other }
    }

    /// What a schema says, `at` being what was validated.
    pub(crate) fn of(error: &ValidationError<'_>, at: &str) -> Self {
        let path = error.instance_path().as_str();
        let at = if path.is_empty() { at.to_owned() } else { path.to_owned() };
        let detail = match error.kind() {
            Kind::Required { property: Value::String(property) } => Detail::Property(property.clone()),
            Kind::MaxLength { limit } => {
                let length = error.instance().as_str().map_or(0, |text| text.chars().count());
                Detail::Characters(*limit, length)
            }
            Kind::MaxItems { limit } => Detail::Items(*limit),
            _ => Detail::Other,
        };
        Self { at, words: error.masked().to_string(), detail }
    }

    /// The last name of the place.
    pub(crate) fn field(&self) -> &str {
        match &self.detail {
            Detail::Property(property) => property,
            _ => self.at.rsplit('/').next().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.at, self.words)
    }
}
