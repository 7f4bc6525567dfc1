//! Differences of two commits.
//!
//! The order is the opposite of git's: first what is looked at, then what it is compared with.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{Style, page};
use super::refusal::{Answer, Refusal};
use super::{Asked, Subject, commit_id};
use crate::app::App;
use crate::git::Git;
use crate::state::in_address;

pub(super) fn routes() -> Router<App> {
    const HERE: &str = "/repositories/{workspace}/{repo_slug}";
    Router::new()
        .route(&format!("{HERE}/diff/{{*spec}}"), get(diff))
        .route(&format!("{HERE}/diffstat/{{*spec}}"), get(diffstat))
}

#[derive(Deserialize)]
struct At {
    spec: String,
}

/// What is compared: the options of git that say so.
struct Pair {
    old: String,
    new: String,
    options: Vec<String>,
}

impl Pair {
    fn read(git: &Git, spec: &str, asked: &Asked) -> Result<Self, Refusal> {
        // In a redirect from a pull request, the name of the source's repository stands before.
        let spec = spec.rsplit_once(':').map_or(spec, |(_, commits)| commits);
        let (new, old) = match spec.split_once("..").or_else(|| spec.split_once('\r')) {
            Some((new, old)) => (commit_id(git, new)?, commit_id(git, old)?),
            None => {
                let new = commit_id(git, spec)?;
                let old = git.commit_id(&format!("{new}^")).unwrap_or_else(|| EMPTY_TREE.to_owned());
                (new, old)
            }
        };
        let old = if asked.flag("topic", false) { git.text(["merge-base", &new, &old])? } else { old };
        let mut options = vec![if asked.flag("renames", true) { "--find-renames" } else { "--no-renames" }.to_owned()];
        if asked.flag("ignore_whitespace", false) {
            options.push("--ignore-all-space".to_owned());
        }
        if let Some(lines) = asked.value("context") {
            options.push(format!("--unified={lines}"));
        }
        Ok(Self { old, new, options })
    }

    /// Runs `git diff`.
    fn run(&self, git: &Git, asked: &Asked, how: &[&str]) -> Result<Vec<u8>, Refusal> {
        let mut arguments: Vec<String> = ["diff", "--no-color", "--no-ext-diff"].map(str::to_owned).to_vec();
        arguments.extend(how.iter().map(|&option| option.to_owned()));
        arguments.extend(self.options.iter().cloned());
        arguments.extend([self.old.clone(), self.new.clone(), "--".to_owned()]);
        arguments.extend(asked.query().filter(|(name, _)| name == "path").map(|(_, path)| path));
        Ok(git.run(arguments)?)
    }
}

/// What a root commit is compared with.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

async fn diff(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let git = subject.git(&app)?;
    let text = Pair::read(&git, &at.spec, &asked)?.run(&git, &asked, &[])?;
    Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response())
}

async fn diffstat(
    State(app): State<App>,
    Extension(subject): Extension<Subject>,
    Extension(asked): Extension<Asked>,
    Path(at): Path<At>,
) -> Answer {
    let (git, urls, full_name) = subject.git_and_urls(&app)?;
    let pair = Pair::read(&git, &at.spec, &asked)?;
    let names = pair.run(&git, &asked, &["--name-status", "-z"])?;
    let numbers = pair.run(&git, &asked, &["--numstat", "-z"])?;
    let api = format!("{}/repositories/{full_name}", urls.api);
    let items = stats(&names, &numbers).iter().map(|stat| stat.json(&api, &pair)).collect();
    page(&asked, items, Style { pagelen: 500, is_counted: true })
}

/// One file that differs.
#[derive(Debug, PartialEq)]
struct Stat {
    status: &'static str,
    old: Option<String>,
    new: Option<String>,
    added: u64,
    removed: u64,
}

/// Joins git's two lists, which are in the same order.
fn stats(names: &[u8], numbers: &[u8]) -> Vec<Stat> {
    let (names, numbers) = (String::from_utf8_lossy(names), String::from_utf8_lossy(numbers));
    let (mut names, mut numbers) = (names.split_terminator('\0'), numbers.split_terminator('\0'));
    let mut stats = Vec::new();
    while let (Some(letter), Some(counts)) = (names.next(), numbers.next()) {
        let mut counts = counts.splitn(3, '\t');
        let mut count = || counts.next().and_then(|count| count.parse().ok()).unwrap_or(0);
        let (added, removed) = (count(), count());
        let first = names.next().map(str::to_owned);
        let (status, old, new) = match letter.chars().next() {
            Some('A') => ("added", None, first),
            Some('D') => ("removed", first, None),
            Some('R' | 'C') => {
                // Both names follow the counts, too.
                numbers.nth(1);
                ("renamed", first, names.next().map(str::to_owned))
            }
            _ => ("modified", first.clone(), first),
        };
        stats.push(Stat { status, old, new, added, removed });
    }
    stats
}

impl Stat {
    fn json(&self, api: &str, pair: &Pair) -> Value {
        let file = |path: &str, commit: &str| {
            json!({
                "type": "commit_file",
                "path": path,
                "escaped_path": path,
                "links": {"self": {"href": format!("{api}/src/{commit}/{}", in_address(path))}},
            })
        };
        let mut shown = json!({
            "type": "diffstat",
            "status": self.status,
            "lines_added": self.added,
            "lines_removed": self.removed,
            "old": null,
            "new": null,
        });
        if let Some(path) = &self.old {
            shown["old"] = file(path, &pair.old);
        }
        if let Some(path) = &self.new {
            shown["new"] = file(path, &pair.new);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_git_says_twice() {
        let names = b"M\0a\0R090\0b\0c\0A\0d\0D\0e\0";
        let numbers = b"1\t2\ta\x003\t4\t\0b\0c\x005\t0\td\0-\t-\te\0";
        let found = stats(names, numbers);
        let kinds: Vec<_> = found.iter().map(|stat| (stat.status, stat.old.as_deref(), stat.new.as_deref())).collect();
        assert_eq!(
            kinds,
            [
                ("modified", Some("a"), Some("a")),
                ("renamed", Some("b"), Some("c")),
                ("added", None, Some("d")),
                ("removed", Some("e"), None)
            ]
        );
        assert_eq!(
            found.iter().map(|stat| (stat.added, stat.removed)).collect::<Vec<_>>(),
            [(1, 2), (3, 4), (5, 0), (0, 0)]
        );
    }
}
