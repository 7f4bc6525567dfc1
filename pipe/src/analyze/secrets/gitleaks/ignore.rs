//! `.gitleaksignore`: findings that are known, by their place.
//!
//! Owns the entries `commit:file:rule:line` and `file:rule:line`. An entry matches by position only, never by value.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use crate::checkout::Skipped;

use super::book::Source;

/// Lines that are not understood beyond this many are not listed.
const NOTICES_MAX: usize = 20;

/// All entries.
#[derive(Default)]
pub(super) struct Ignored {
    /// By path and rule.
    entries: HashMap<Vec<u8>, Vec<Entry>>,
}

struct Entry {
    commit: Option<String>,
    rule: String,
    line: u32,
    /// Where the entry stands.
    place: String,
}

impl Ignored {
    /// Reads the lines of a file. What is not understood is noted.
    pub(super) fn read(&mut self, source: &Source, notices: &mut Vec<Skipped>) {
        let mut strange = 0;
        for (number, line) in source.text.lines().enumerate() {
            let line = line.trim_start_matches('\u{feff}').trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = format!("{}:{}", source.name, number + 1);
            if let Some((path, entry)) = entry(line, &place) {
                self.entries.entry(path).or_default().push(entry);
                continue;
            }
            strange += 1;
            if strange <= NOTICES_MAX {
                let reason = "not understood: an entry is `file:rule:line` or `commit:file:rule:line`".to_owned();
                notices.push(Skipped { subject: place, reason, by_limit: true });
            }
        }
        if strange > NOTICES_MAX {
            let reason = format!("not understood: {} further lines", strange - NOTICES_MAX);
            notices.push(Skipped { subject: source.name.clone(), reason, by_limit: true });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The place of an entry for a finding that touches these lines. `named` says whether an id names its rule.
    pub(super) fn find(
        &self,
        path: &[u8],
        commit: Option<&str>,
        lines: &RangeInclusive<u32>,
        named: &dyn Fn(&str) -> bool,
    ) -> Option<&str> {
        let entry = self.entries.get(path)?.iter().find(|entry| {
            lines.contains(&entry.line)
                && entry.commit.as_deref().is_none_or(|id| commit.is_some_and(|commit| commit.eq_ignore_ascii_case(id)))
                && named(&entry.rule)
        })?;
        Some(&entry.place)
    }
}

fn entry(line: &str, place: &str) -> Option<(Vec<u8>, Entry)> {
    let parts: Vec<&str> = line.split(':').collect();
    let (commit, path, rule, number) = match parts[..] {
        [path, rule, number] => (None, path, rule, number),
        [commit, path, rule, number] => (Some(commit), path, rule, number),
        _ => return None,
    };
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let line = number.trim().parse().ok()?;
    if path.is_empty() || rule.is_empty() || commit.is_some_and(str::is_empty) {
        return None;
    }
    let entry = Entry { commit: commit.map(str::to_owned), rule: rule.to_owned(), line, place: place.to_owned() };
    Some((path.as_bytes().to_vec(), entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Ignored, Vec<Skipped>) {
        let (mut ignored, mut notices) = (Ignored::default(), Vec::new());
        ignored.read(&Source { name: ".gitleaksignore".to_owned(), text: text.to_owned() }, &mut notices);
        (ignored, notices)
    }

    #[test]
    fn entries_match_by_place_and_rule() {
        let (ignored, notices) = read("# known\n\nsrc\\a.py:my-token:3\nabc123:b.py:other:7\r\n");
        assert!(notices.is_empty());
        let find = |path: &str, commit, line: u32, rule: &str| {
            ignored.find(path.as_bytes(), commit, &(line..=line), &|id| id == rule).map(str::to_owned)
        };
        assert_eq!(find("src/a.py", None, 3, "my-token").as_deref(), Some(".gitleaksignore:3"));
        assert_eq!(find("src/a.py", Some("ffff"), 3, "my-token").as_deref(), Some(".gitleaksignore:3"));
        assert_eq!(find("src/a.py", None, 4, "my-token"), None);
        assert_eq!(find("src/a.py", None, 3, "another"), None);
        assert_eq!(find("b.py", Some("ABC123"), 7, "other").as_deref(), Some(".gitleaksignore:4"));
        assert_eq!(find("b.py", None, 7, "other"), None);
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let (_, notices) = read("a.py:rule\na.py:rule:x\nC:\\a:b:c:rule:1\n");
        let subjects: Vec<&str> = notices.iter().map(|notice| notice.subject.as_str()).collect();
        assert_eq!(subjects, [".gitleaksignore:1", ".gitleaksignore:2", ".gitleaksignore:3"]);
        assert!(notices.iter().all(|notice| notice.by_limit && notice.reason.starts_with("not understood")));
        assert_eq!(read(&"x\n".repeat(100)).1.len(), NOTICES_MAX + 1);
    }
}
