//! A configuration and those that it extends, made one.
//!
//! Owns `[extend]`: how deep the chain goes and which side wins where both say something. Asks for the texts of other files and never for
//! their places: whoever answers keeps the request inside of the repository.

use super::book::{Book, Source, Text};
use super::document::{self, AllowTable, RuleTable};

/// So many files are extended one by another; gitleaks passes over what lies deeper.
const DEPTH_MAX: usize = 2;

/// Why a file that is extended cannot be had, in words for people.
pub type ExtendError = Box<dyn std::error::Error>;
/// Hands out the text of a file that `extend.path` names.
pub type Open<'o> = &'o dyn Fn(&str) -> Result<Source, ExtendError>;

/// All files of a chain together.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) rules: Vec<RuleTable>,
    pub(super) allowlists: Vec<AllowTable>,
    /// Some file says `useDefault = true`.
    pub(super) use_default: bool,
    /// Ids that some file disables among the rules it extends.
    pub(super) disabled: Vec<Disabled>,
}

/// An id in `disabledRules`.
pub(super) struct Disabled {
    pub(super) id: Text,
    /// A rule of that id was there to be left out.
    pub(super) met: bool,
}

/// Reads the chain that begins with `source`.
pub(super) fn read(book: &mut Book, source: Source, open: Open<'_>) -> Merged {
    link(book, source, open, 0)
}

fn link(book: &mut Book, source: Source, open: Open<'_>, depth: usize) -> Merged {
    let number = book.add(source);
    let document = document::read(book, number);
    let mut merged = Merged { use_default: document.extend.use_default, ..Merged::default() };
    for rule in document.rules {
        match merged.rules.iter_mut().find(|known| known.id.value == rule.id.value) {
            Some(known) => {
                book.notice(known.id.at, format!("the rule `{}` is written twice: the last one counts", rule.id.value));
                *known = rule;
            }
            None => merged.rules.push(rule),
        }
    }
    merged.allowlists = document.allowlists;
    merged.disabled = document.extend.disabled.into_iter().map(|id| Disabled { id, met: false }).collect();
    let Some(path) = document.extend.path.filter(|_| !document.extend.use_default) else { return merged };
    if depth == DEPTH_MAX {
        book.notice(
            path.at,
            format!("not read: `{}` lies deeper than {DEPTH_MAX} files that extend each other", path.value),
        );
        return merged;
    }
    match open(&path.value) {
        Ok(source) => {
            let base = link(book, source, open, depth + 1);
            extend(&mut merged, base);
        }
        Err(error) => {
            let hint = "`extend.path` is relative to the repository's root or to this file's folder, and stays inside";
            book.mistake(path.at, error.to_string(), Some(hint));
        }
    }
    merged
}

fn extend(own: &mut Merged, base: Merged) {
    own.use_default |= base.use_default;
    for rule in base.rules {
        if let Some(disabled) = own.disabled.iter_mut().find(|disabled| disabled.id.value == rule.id.value) {
            disabled.met = true;
            continue;
        }
        match own.rules.iter_mut().find(|known| known.id.value == rule.id.value) {
            Some(known) => merge(known, rule),
            None => own.rules.push(rule),
        }
    }
    own.allowlists.extend(base.allowlists);
    own.disabled.extend(base.disabled);
}

/// What `own` leaves open it takes from `base`; lists are joined.
fn merge(own: &mut RuleTable, base: RuleTable) {
    if own.description.is_empty() {
        own.description = base.description;
    }
    own.entropy = own.entropy.filter(|entropy| *entropy > 0.0).or(base.entropy);
    own.secret_group = own.secret_group.filter(|(group, _)| *group > 0).or(base.secret_group);
    own.regex = own.regex.take().or(base.regex);
    own.path = own.path.take().or(base.path);
    own.tags.splice(0..0, base.tags);
    own.keywords.splice(0..0, base.keywords);
    own.allowlists.splice(0..0, base.allowlists);
    own.skip_report |= base.skip_report;
    own.required.splice(0..0, base.required);
}
