//! TOML values as the keys of a gitleaks configuration want them.
//!
//! Owns the types: what is a text, a list, a number, and what is said when it is not. Keys are compared without case and a single text
//! stands for a list of one, because the library gitleaks reads its configuration with does so. Knows no key.

use std::borrow::Cow;

use penstock_common::redact::escape_control;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::book::{At, Book, Text};

type Key<'a> = Spanned<Cow<'a, str>>;
type Value<'a> = Spanned<DeValue<'a>>;

/// Reads the values of one source.
pub(super) struct Values<'b> {
    pub(super) book: &'b mut Book,
    pub(super) source: usize,
}

impl Values<'_> {
    pub(super) fn at<T>(&self, spanned: &Spanned<T>) -> At {
        let span = spanned.span();
        At { source: self.source, start: span.start, end: span.end }
    }

    /// Calls `each` with every key of a table, in lower case.
    pub(super) fn table(&mut self, value: &Value<'_>, each: &mut dyn FnMut(&mut Self, &str, &Key<'_>, &Value<'_>)) {
        match value.get_ref() {
            DeValue::Table(table) => self.entries(table, each),
            other => self.wrong_type(value, "a table", other),
        }
    }

    pub(super) fn entries(&mut self, table: &DeTable<'_>, each: &mut dyn FnMut(&mut Self, &str, &Key<'_>, &Value<'_>)) {
        for (key, value) in table {
            let name = key.get_ref().to_ascii_lowercase();
            each(self, &name, key, value);
        }
    }

    /// Calls `each` with every element of a list of tables; a single table counts as a list of one.
    pub(super) fn tables(&mut self, value: &Value<'_>, each: &mut dyn FnMut(&mut Self, &Value<'_>)) {
        match value.get_ref() {
            DeValue::Array(array) => array.iter().for_each(|value| each(self, value)),
            DeValue::Table(_) => each(self, value),
            other => self.wrong_type(value, "a list of tables", other),
        }
    }

    pub(super) fn boolean(&mut self, value: &Value<'_>) -> bool {
        match value.get_ref() {
            DeValue::Boolean(flag) => *flag,
            other => {
                self.wrong_type(value, "`true` or `false`", other);
                false
            }
        }
    }

    pub(super) fn text(&mut self, value: &Value<'_>) -> Option<Text> {
        match value.get_ref() {
            DeValue::String(text) => Some(Text { value: text.to_string(), at: self.at(value) }),
            other => {
                self.wrong_type(value, "a text in quotation marks", other);
                None
            }
        }
    }

    /// The id of a rule, as it may be shown.
    pub(super) fn id(&mut self, value: &Value<'_>) -> Option<Text> {
        let text = self.text(value).filter(|text| !text.value.is_empty())?;
        Some(Text { value: escape_control(&text.value), at: text.at })
    }

    pub(super) fn ids(&mut self, value: &Value<'_>) -> Vec<Text> {
        let shown = |text: Text| Text { value: escape_control(&text.value), at: text.at };
        self.texts(value).into_iter().map(shown).collect()
    }

    pub(super) fn texts(&mut self, value: &Value<'_>) -> Vec<Text> {
        match value.get_ref() {
            DeValue::Array(array) => array.iter().filter_map(|value| self.text(value)).collect(),
            DeValue::String(_) => self.text(value).into_iter().collect(),
            other => {
                self.wrong_type(value, "a list of texts", other);
                Vec::new()
            }
        }
    }

    /// A whole number from 0.
    pub(super) fn count(&mut self, value: &Value<'_>) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            other => {
                self.wrong_type(value, "a whole number", other);
                return None;
            }
        };
        let count = number.and_then(|number| u32::try_from(number).ok());
        if count.is_none() {
            self.book.mistake(self.at(value), "expected a number from 0 that is not huge", None);
        }
        count
    }

    pub(super) fn number(&mut self, value: &Value<'_>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|n| n as f64),
            DeValue::Float(number) => number.as_str().parse().ok(),
            other => {
                self.wrong_type(value, "a number", other);
                return None;
            }
        };
        let number = number.filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.book.mistake(self.at(value), "this number cannot be used", None);
        }
        number
    }

    fn wrong_type(&mut self, value: &Value<'_>, expected: &str, found: &DeValue<'_>) {
        self.book.mistake(self.at(value), format!("expected {expected}, found {}", found.type_str()), None);
    }
}
