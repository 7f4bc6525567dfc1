//! Paths that the configuration excludes, by the rules of `.gitignore`.
//!
//! Owns the grammar of these patterns and which of them have matched. They apply to every source,
//! also to files that git tracks.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use globset::GlobBuilder;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::platform::path_name;

/// Patterns, from the root of the repository.
pub struct Exclude {
    /// All patterns: the last one that matches decides.
    all: Gitignore,
    patterns: Vec<Pattern>,
}

/// One pattern alone, to find out whether it matches anything.
struct Pattern {
    text: String,
    alone: Gitignore,
    matched: AtomicBool,
}

impl Exclude {
    /// Compiles patterns. A pattern that [`Exclude::check`] rejects is an error.
    pub fn new(patterns: &[String]) -> Result<Self, ignore::Error> {
        let of = |text: &String| {
            let alone = build(std::slice::from_ref(&text.strip_prefix('!').unwrap_or(text)))?;
            Ok(Pattern { text: text.clone(), alone, matched: AtomicBool::new(false) })
        };
        let all = build(patterns)?;
        Ok(Self { all, patterns: patterns.iter().map(of).collect::<Result<_, ignore::Error>>()? })
    }

    /// Why `pattern` is invalid; none if it is valid.
    pub fn check(pattern: &str) -> Option<String> {
        // Git reads an unclosed class as literal text, which is never intended.
        if let Err(error) = GlobBuilder::new(pattern).backslash_escape(true).build() {
            return Some(error.kind().to_string());
        }
        match build(&[pattern]) {
            Ok(built) if built.is_empty() => {
                Some("it names nothing: it is blank, or begins with `#` and is a comment".to_owned())
            }
            Ok(_) => None,
            Err(ignore::Error::Glob { err, .. }) => Some(err),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Whether the file at `path` is excluded.
    pub fn covers(&self, path: &[u8]) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let name = path_name(path);
        let path = Path::new(&name);
        // A path that all patterns together do not match, none of them matches.
        let Some(is_excluded) = ignores(&self.all, path) else { return false };
        for pattern in self.patterns.iter().filter(|pattern| !pattern.matched.load(Ordering::Relaxed)) {
            if ignores(&pattern.alone, path) == Some(true) {
                pattern.matched.store(true, Ordering::Relaxed);
            }
        }
        is_excluded
    }

    /// The patterns that have not matched any path yet.
    pub fn unmatched(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().filter(|one| !one.matched.load(Ordering::Relaxed)).map(|one| one.text.as_str())
    }
}

fn build(patterns: &[impl AsRef<str>]) -> Result<Gitignore, ignore::Error> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let pattern = pattern.as_ref();
        let (negation, rest) = match pattern.strip_prefix('!') {
            Some(rest) => ("!", rest),
            None => ("", pattern),
        };
        // Users write `./` for the root; git has no such segment.
        let line = match rest.strip_prefix("./") {
            Some(rest) => format!("{negation}/{rest}"),
            None => pattern.to_owned(),
        };
        builder.add_line(None, &line)?;
    }
    builder.build()
}

/// Whether a file is ignored or re-included; `None` if no pattern matches it or a folder that it is
/// in. As in git, a file in an ignored folder cannot be re-included.
fn ignores(patterns: &Gitignore, path: &Path) -> Option<bool> {
    let mut found = None;
    let mut parts: Vec<&Path> = path.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
    while let Some(part) = parts.pop() {
        match patterns.matched(part, !parts.is_empty()) {
            Match::Ignore(_) => return Some(true),
            Match::Whitelist(_) => found = Some(false),
            Match::None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    fn covered<'p>(patterns: &[&str], paths: &[&'p str]) -> Vec<&'p str> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let exclude = Exclude::new(&patterns).unwrap();
        paths.iter().copied().filter(|path| exclude.covers(path.as_bytes())).collect()
    }

    const PATHS: &[&str] = &[
        "vendor",
        "vendor/a",
        "vendor/deep/b",
        "vendor/keep",
        "deep/vendor/c",
        "deep/vendored",
        "a.lock",
        "deep/a.lock",
        "docs/x.md",
        "docs/deep/x.md",
        "#hash",
        "with space /x",
    ];

    #[test]
    fn git_decides_the_same() {
        let git = Fixture::new();
        for patterns in [
            &["vendor/"][..],
            &["vendor"],
            &["/vendor"],
            &["vendor/**"],
            &["**/vendor/**"],
            &["vendor/*"],
            &["vendor/", "!vendor/keep"],
            &["vendor/*", "!vendor/keep"],
            &["*.lock", "!/a.lock"],
            &["docs/*.md"],
            &["docs/**/*.md"],
            &["deep/*"],
            &["\\#hash"],
            &["with space\\ "],
            &["*"],
            &["**"],
            &["[v]endor", "?ocs/"],
        ] {
            git.write(".git/info/exclude", patterns.join("\n"));
            // `--no-index` ignores both tracked files and files on the disk.
            let arguments = [&["-c", "core.quotePath=false", "check-ignore", "--no-index", "-v", "-n"], PATHS].concat();
            let decided = git.git(&arguments);
            let is_ignored = |line: &&str| !line.starts_with("::") && !line.split('\t').next().unwrap().contains(":!");
            let expected: Vec<&str> =
                decided.lines().filter(is_ignored).filter_map(|line| line.split('\t').nth(1)).collect();
            assert_eq!(covered(patterns, PATHS), expected, "{patterns:?}");
        }
    }

    #[test]
    fn a_leading_dot_is_the_root() {
        for (dotted, plain) in [("./vendor/**", "/vendor/**"), ("./vendor", "/vendor"), ("./vendor/", "/vendor/")] {
            assert_eq!(covered(&[dotted], PATHS), covered(&[plain], PATHS));
            assert!(!covered(&[dotted], PATHS).is_empty());
        }
        assert_eq!(covered(&["vendor/*", "!./vendor/keep"], PATHS), ["vendor/a", "vendor/deep/b"]);
    }

    #[test]
    fn what_has_no_use_is_known() {
        let patterns = ["vendor/", "vendor/**", "none/", "!vendor/keep", "!none"].map(str::to_owned);
        let exclude = Exclude::new(&patterns).unwrap();
        assert!(exclude.covers(b"vendor/keep"));
        assert_eq!(exclude.unmatched().collect::<Vec<_>>(), ["none/", "!none"]);
        let overridden = Exclude::new(&["*.env", "!a.env"].map(str::to_owned)).unwrap();
        assert!(!overridden.covers(b"a.env") && !overridden.covers(b"a.rs"));
        assert_eq!(overridden.unmatched().count(), 0);
        assert_eq!(Exclude::check("vendor/"), None);
        for wrong in ["", " ", "# comment", "a[", "{a"] {
            assert!(Exclude::check(wrong).is_some(), "{wrong:?}");
        }
    }
}
