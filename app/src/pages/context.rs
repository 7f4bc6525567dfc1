//! The code around a finding, as it stands in the repository.
//!
//! Owns that nothing of it is shown that may be a secret: the whole file is masked before a line is taken out of it, and the lines of a secret itself are
//! withheld where masking did not change them. It is fetched for one look, and kept nowhere.

use std::time::Duration;

use penstock::analyze::secrets::{Engine, redact_lines};
use penstock_common::{Category, Finding};

use super::visit::InRepository;
use crate::bitbucket::{Error, Purpose};
use crate::track::Commit;

/// Most bytes of a file.
const FILE_MAX: usize = 512 * 1024;
/// Lines before and after.
const AROUND: u32 = 6;
/// Most lines of a finding itself.
const LINES_MAX: u32 = 40;
/// Most characters of a line.
const LINE_MAX: usize = 400;
/// How long Bitbucket is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A line of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u32,
    /// Masked.
    pub(super) text: String,
    /// Whether it is part of the finding.
    pub(super) hit: bool,
}

/// What came of looking.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// The lines.
    pub(super) lines: Vec<Line>,
    /// Why there are none, or what is missing.
    pub(super) note: String,
}

/// The lines around a finding at a commit.
pub(super) async fn around(at: &InRepository, commit: Commit, finding: &Finding) -> Context {
    let nothing = |note: &str| Context { lines: Vec::new(), note: note.to_owned() };
    let state = &at.visit.state;
    let fetched = async {
        let person = Purpose::Person(at.visit.viewer.person);
        let bitbucket = state.bitbucket.of(at.store().id()).await?.on_behalf_of(person);
        bitbucket.in_repository(at.id()).file(commit, &finding.location.path, FILE_MAX).await
    };
    let bytes = match tokio::time::timeout(PATIENCE, fetched).await {
        Ok(Ok(Some(bytes))) => bytes,
        Ok(Ok(None)) => return nothing("The file is not in the repository at that commit any more."),
        Ok(Err(Error::Unreadable(_))) => return nothing("The file is too large to be shown here."),
        Ok(Err(Error::TooMany { .. })) => {
            return nothing(
                "You have looked at much code in this hour. Open the file in Bitbucket, or come back later.",
            );
        }
        Ok(Err(error)) => return nothing(&format!("Bitbucket does not give the file: {error}.")),
        Err(_) => return nothing("Bitbucket takes too long to give the file. Try again in a moment."),
    };
    let Ok(text) = String::from_utf8(bytes) else { return nothing("The file is no text.") };
    let location = finding.location.clone();
    let secret = finding.category == Category::Secret;
    let lines =
        tokio::task::spawn_blocking(move || masked(&text, location.start_line, location.end_line, secret)).await;
    match lines {
        Ok(Some(lines)) if !lines.is_empty() => Context { lines, note: String::new() },
        _ => nothing("The lines cannot be shown with certainty that they hold no secret."),
    }
}

/// The lines around `first..=last` of a text, masked; `None` if nothing can be masked.
fn masked(text: &str, first: u32, last: u32, secret: bool) -> Option<Vec<Line>> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).ok()?;
    let engine = Engine::new(key, 0, &[]);
    let clean = redact_lines(&mut engine.scanner(), text);
    let last = last.max(first).min(first.saturating_add(LINES_MAX));
    let shown = first.saturating_sub(AROUND).max(1)..=last.saturating_add(AROUND);
    let dots = |text: &str| text.chars().filter(|one| *one == '•').count();
    let lines = clean.iter().zip(text.split_inclusive('\n')).enumerate().filter_map(|(at, (clean, plain))| {
        let number = u32::try_from(at).ok()?.checked_add(1)?;
        let hit = (first..=last).contains(&number);
        let text = if secret && hit && dots(clean) <= dots(plain) {
            "(withheld)".to_owned()
        } else {
            clean.chars().take(LINE_MAX).collect()
        };
        shown.contains(&number).then_some(Line { number, text, hit })
    });
    Some(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_what_is_not_sure_is_withheld() {
        let canary = format!("ghp_{}", "x9Kq2LmV7bTzR4wYc8Nd1HfJ6gPs3Ua5eQiB".get(..36).unwrap());
        let text = format!("one\npassword = 'unknown form'\ntoken = \"{canary}\"\nfour\n");
        let lines = masked(&text, 2, 2, true).unwrap();
        assert_eq!(lines.len(), 4);
        assert!(lines[1].hit && lines[1].text == "(withheld)", "{lines:?}");
        assert!(lines.iter().all(|line| !line.text.contains(&canary[8..])), "{lines:?}");
        let lines = masked(&text, 4, 4, false).unwrap();
        assert_eq!(lines[3].text, "four");
        assert!(masked("", 1, 1, false).unwrap().is_empty());
    }

    #[test]
    fn only_what_is_around() {
        let text: String = (1..=100).map(|number| format!("line {number}\n")).collect();
        let numbers: Vec<u32> = masked(&text, 50, 51, false).unwrap().iter().map(|line| line.number).collect();
        assert_eq!(numbers, (44..=57).collect::<Vec<_>>());
    }
}
