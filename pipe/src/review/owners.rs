//! Who owns which file, as `.bitbucket/CODEOWNERS` says.
//!
//! Owns the bounds of that file and the choice of the rule that holds for a path: the last one that fits, as in the files of the same name elsewhere. What the
//! file says is told with a finding and nothing more: it changes no verdict and no identity. A line that cannot be read is passed over, and that is told.

mod line;

use std::path::Path;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use penstock_common::Masked;

use self::line::{Line, Unread};
use super::Remark;
use crate::analyze::secrets::Found;
use crate::checkout::platform::path_name;
use crate::settings::{FileError, Root};

/// The name of the file, from the root of a repository on.
const FILE_NAME: &str = ".bitbucket/CODEOWNERS";
/// Most rules of a file.
const RULES_MAX: usize = 5_000;
/// Lines that are told one by one.
const TOLD_MAX: usize = 10;

/// The rules of a file; none if there is no file. Names are not masked yet.
#[derive(Default)]
pub(super) struct Owners<N = String> {
    rules: Vec<Vec<N>>,
    patterns: GlobSet,
    /// Of each pattern, its rule: one rule may need two.
    rule_of: Vec<usize>,
}

impl Owners {
    /// Reads the file of a root, if it has one.
    pub(super) fn read(root: Root<'_>, notices: &mut Vec<Remark>) -> Self {
        let whole = |text: String| Remark { subject: FILE_NAME.to_owned(), text };
        match root.text(FILE_NAME) {
            Ok(None) => Self::default(),
            Ok(Some(text)) => Self::of_text(&text, notices).unwrap_or_else(|why| {
                notices.push(whole(format!("{why}: no owners are told")));
                Self::default()
            }),
            Err(error) => {
                // Where the clone lies is nobody's business.
                let why = match error {
                    FileError::TooLarge(_) => "it is too large",
                    FileError::NotUtf8(_) => "it is not UTF-8",
                    _ => "it cannot be read",
                };
                notices.push(whole(format!("{why}: no owners are told")));
                Self::default()
            }
        }
    }

    fn of_text(text: &str, notices: &mut Vec<Remark>) -> Result<Self, String> {
        let mut rules = Vec::new();
        let mut patterns = GlobSetBuilder::new();
        let mut rule_of = Vec::new();
        let mut unread = Vec::new();
        for (number, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            match line::read(text).and_then(|line| line.map(compiled).transpose()) {
                Ok(None) => {}
                Ok(Some(_)) if rules.len() == RULES_MAX => return Err(format!("it has more than {RULES_MAX} rules")),
                Ok(Some((globs, owners))) => {
                    for glob in globs {
                        patterns.add(glob);
                        rule_of.push(rules.len());
                    }
                    rules.push(owners);
                }
                Err(error) => unread.push((number + 1, error)),
            }
        }
        let patterns = patterns.build().map_err(|_| "its patterns are too large together".to_owned())?;
        let more = unread.len().saturating_sub(TOLD_MAX);
        notices.extend(unread.into_iter().take(TOLD_MAX).map(|(number, error)| Remark {
            subject: format!("{FILE_NAME}:{number}"),
            text: format!("{error}; the line is passed over"),
        }));
        if more > 0 {
            let text = format!("{more} further lines cannot be read and are passed over");
            notices.push(Remark { subject: FILE_NAME.to_owned(), text });
        }
        Ok(Self { rules, patterns, rule_of })
    }

    /// Masks every name: the names in a repository are untrusted.
    pub(super) fn masked(self, mask: &dyn Fn(&str) -> Masked) -> Owners<Masked> {
        let rule = |owners: &Vec<String>| owners.iter().map(|owner| mask(owner)).collect();
        Owners { rules: self.rules.iter().map(rule).collect(), patterns: self.patterns, rule_of: self.rule_of }
    }
}

impl<N> Owners<N> {
    /// The owners of the file at this path from the root.
    fn of(&self, path: &[u8]) -> &[N] {
        let path = path_name(path);
        let fitting = self.patterns.matches(Path::new(&path));
        let last = fitting.into_iter().map(|pattern| self.rule_of[pattern]).max();
        last.map_or(&[][..], |rule| &self.rules[rule])
    }
}

impl Owners<Masked> {
    /// Says of each finding who owns its file, asking once for each file.
    pub(super) fn tell(&self, found: &mut [Found]) {
        if self.rules.is_empty() {
            return;
        }
        for file in found.chunk_by_mut(|one, other| one.file == other.file) {
            let owners = self.of(&file[0].file);
            file.iter_mut().for_each(|one| one.finding.owners = owners.to_vec());
        }
    }
}

fn compiled(line: Line) -> Result<(Vec<Glob>, Vec<String>), Unread> {
    let glob = |pattern: &String| GlobBuilder::new(pattern).literal_separator(true).backslash_escape(true).build();
    let globs = globs(&line.pattern).iter().map(glob).collect::<Result<_, _>>();
    Ok((globs.map_err(|error| Unread::Glob(error.kind().to_string()))?, line.owners))
}

/// A pattern as `.gitignore` means it, in globs of paths from the root on.
fn globs(pattern: &str) -> Vec<String> {
    let body = pattern.trim_matches('/');
    let from_root = pattern.trim_end_matches('/').contains('/');
    let start = if from_root { body.to_owned() } else { format!("**/{body}") };
    let below = format!("{start}/**");
    if pattern.ends_with('/') {
        vec![below]
    } else if from_root && body.rsplit('/').next().is_some_and(|name| name == "*") {
        // `docs/*` is what lies in that folder, not in folders of it.
        vec![start]
    } else {
        vec![start, below]
    }
}
