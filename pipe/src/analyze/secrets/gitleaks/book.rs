//! The texts of a configuration and what is wrong with them.
//!
//! Owns places: everything read from a file remembers where it stood, so that a mistake found much later, after files were merged, is told
//! with file, line and column. Reads no file itself.

use crate::checkout::Skipped;
use penstock_common::redact::escape_control;

use crate::mistake::{Mistake, place};

/// Mistakes beyond this many are not listed: nobody reads them, and a hostile file could make millions.
const MISTAKES_MAX: usize = 100;

/// A file's name as it is told to people, and its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// A stretch of one of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) source: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A value and where it stood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) at: At,
}

/// All texts read so far, with what is wrong or not understood.
#[derive(Default)]
pub(super) struct Book {
    pub(super) sources: Vec<Source>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) notices: Vec<Skipped>,
}

impl Book {
    /// Takes up a text and numbers it.
    pub(super) fn add(&mut self, source: Source) -> usize {
        self.sources.push(source);
        self.sources.len() - 1
    }

    /// Something because of which the configuration cannot be used.
    pub(super) fn mistake(&mut self, at: At, what: impl Into<String>, hint: Option<&str>) {
        if self.mistakes.len() < MISTAKES_MAX {
            let source = &self.sources[at.source];
            self.mistakes.push(Mistake::at(&source.name, &source.text, at.start, what.into(), hint.map(str::to_owned)));
        }
    }

    /// Something that is passed over, and told.
    pub(super) fn notice(&mut self, at: At, reason: impl Into<String>) {
        if self.notices.len() < MISTAKES_MAX {
            let source = &self.sources[at.source];
            let (line, _) = place(&source.text, at.start);
            let subject = format!("{}:{line}", source.name);
            // It quotes the file, and goes to terminals.
            self.notices.push(Skipped { subject, reason: escape_control(&reason.into()), by_limit: true });
        }
    }

    /// The text as it stands in the file, quotation marks included.
    pub(super) fn raw(&self, at: At) -> &str {
        self.sources[at.source].text.get(at.start..at.end).unwrap_or("")
    }
}
