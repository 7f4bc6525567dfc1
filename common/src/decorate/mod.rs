//! What a verdict looks like in Bitbucket: reports, annotations, build status and comment as data, within Bitbucket's limits.
//!
//! Owns the words and the choice of what is shown. Pure: it sends nothing and knows no server. Everything that comes from a run is taken for
//! hostile: cut, and escaped for where it goes.

mod annotation;
pub mod comment;
pub mod identity;
pub mod links;
pub mod markdown;
pub mod report;
pub mod status;
#[cfg(test)]
mod tests;
pub mod verdict;

pub use identity::Identity;
pub use links::Links;
pub use verdict::Standing;

use crate::{Category, Masked, Subject};

/// What is decorated beside the run itself.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What the run is about.
    pub subject: &'a Subject,
    /// `NAME`: tells runs on one commit apart, such as those of several projects in one repository.
    pub name: &'a Masked,
    /// Where people see Bitbucket, without a slash at the end: [`links::BITBUCKET`].
    pub web: &'a str,
    /// What was looked for, whether or not it was found: each has a report.
    pub categories: &'a [Category],
    /// Whether an incomplete run may pass.
    pub allow_incomplete: bool,
    /// Findings beside those of the run, which are only counted.
    pub counted: Counted,
}

/// Findings of which only their number is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// That the base has too.
    pub existing: usize,
    /// That do not count.
    pub suppressed: usize,
    /// That only the base has.
    pub fixed: usize,
}

impl<'a> Context<'a> {
    /// What tells this run's posts from those of others.
    pub fn identity(&self) -> Identity<'a> {
        Identity::new(self.subject, self.name)
    }

    /// Addresses of what the run is about.
    pub fn links(&self) -> Links<'a> {
        Links::new(self.web, self.subject)
    }
}

/// A commit as people write it: its first twelve digits.
fn short(commit: &str) -> String {
    commit.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}
