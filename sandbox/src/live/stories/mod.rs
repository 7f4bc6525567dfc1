//! What happened in sixty days, as data.
//!
//! Owns who there is and the words for telling a story: pushes, pull requests, judgements, by the minute. The stories themselves stand in one file each.

mod infrastructure;
mod payments;
mod secrets;
mod shop;

use penstock_sandbox::{Commit, Error, Permission, Sandbox};

use super::api::Judgement;

/// How many days there are.
pub(super) const DAYS: i64 = 60;

/// Owns everything, as the sandbox's first person does.
const OWNER: &str = "Ada Example";
const READER: &str = "Rosa Reader";
const WRITER: &str = "Walt Writer";
const ADMIN: &str = "Alba Admin";
const STRANGER: &str = "Sten Stranger";
/// Everything that people can type into a name.
const HOSTILE: &str = "<b>Mallory</b> \"O'Neil\" &amp; \u{202e}drow";

const REPOSITORIES: [&str; 3] = ["shop", "payments", "infrastructure"];

/// What happened in a repository.
pub(super) struct Story {
    /// Its full name.
    pub(super) repository: String,
    /// In the order in which it happened.
    pub(super) events: Vec<Event>,
    /// What is said at the end of findings on the main branch, by their path.
    pub(super) judgements: Vec<(&'static str, Judgement)>,
}

/// Something that happened.
pub(super) struct Event {
    /// Since the first day began.
    pub(super) minute: i64,
    /// Who did it, by name.
    pub(super) by: &'static str,
    pub(super) act: Act,
}

/// What somebody does.
pub(super) enum Act {
    /// A commit; and the pipeline of the pull request from the branch, or the branch's, runs.
    Push { branch: &'static str, commit: Commit, runs: bool },
    /// A branch from the main branch.
    Branch { name: &'static str },
    /// A pull request into the main branch.
    Open { branch: &'static str, title: &'static str, runs: bool },
    /// The pull request from this branch is merged, and the main branch's pipeline runs.
    Merge { branch: &'static str },
    /// A comment that ignores the new finding at this path.
    Ignore { branch: &'static str, path: &'static str, reason: &'static str },
}

/// All stories of the workspace.
pub(super) fn all(workspace: &str) -> Vec<Story> {
    let tell = |name: &str, story: fn(&mut Telling)| {
        let mut telling = Telling::default();
        story(&mut telling);
        telling.events.sort_by_key(|event| event.minute);
        Story { repository: format!("{workspace}/{name}"), events: telling.events, judgements: telling.judgements }
    };
    vec![tell("shop", shop::tell), tell("payments", payments::tell), tell("infrastructure", infrastructure::tell)]
}

/// Makes the repositories, and everybody with what he may do there.
pub(super) fn people_and_places(sandbox: &Sandbox, workspace: &str) -> Result<(), Error> {
    sandbox.workspace(workspace)?;
    for name in REPOSITORIES {
        sandbox.repository(&format!("{workspace}/{name}"))?;
    }
    let rights = [
        (READER, Permission::Read),
        (WRITER, Permission::Write),
        (ADMIN, Permission::Admin),
        (HOSTILE, Permission::Write),
        (STRANGER, Permission::None),
    ];
    for (name, permission) in rights {
        let person = sandbox.person(name);
        for repository in REPOSITORIES {
            sandbox.permit(&format!("{workspace}/{repository}"), &person.uuid, permission)?;
        }
    }
    Ok(())
}

/// A story that is being told.
#[derive(Default)]
struct Telling {
    events: Vec<Event>,
    judgements: Vec<(&'static str, Judgement)>,
    /// How many ordinary commits there were.
    ordinary: usize,
}

impl Telling {
    fn event(&mut self, minute: i64, by: &'static str, act: Act) {
        self.events.push(Event { minute, by, act });
    }

    /// A commit on the main branch at ten in the morning.
    fn push(&mut self, day: i64, by: &'static str, commit: Commit) {
        self.event(day * 1440 + 600, by, Act::Push { branch: "main", commit, runs: true });
    }

    /// One small commit a day on the main branch, in which there is nothing to be found.
    fn ordinary(&mut self, days: impl IntoIterator<Item = i64>, files: &[&'static str]) {
        const WHAT: [&str; 7] = [
            "Handle an empty list",
            "Say more in the log",
            "Name things as the team does",
            "Take the time zone along",
            "Refuse what is too long",
            "Count what is retried",
            "Close what was opened",
        ];
        for day in days {
            let number = self.ordinary;
            self.ordinary += 1;
            let (file, what) = (files[number % files.len()], WHAT[number % WHAT.len()]);
            let by = if number.is_multiple_of(3) { OWNER } else { WRITER };
            let text = format!(
                "# {what}\n\ndef step_{number}(items):\n    return [item for item in items if item][:{}]\n",
                number + 1
            );
            let commit = Commit::new(&format!("{what}\n")).write(format!("{file}/step_{number}.py"), text);
            self.event(
                day * 1440 + 540 + 7 * (number as i64 % 50),
                by,
                Act::Push { branch: "main", commit, runs: true },
            );
        }
    }

    /// A pull request: a branch with the first commit, opened at noon, and one more commit every two hours.
    fn change(&mut self, day: i64, by: &'static str, branch: &'static str, title: &'static str, commits: Vec<Commit>) {
        let noon = day * 1440 + 720;
        self.event(noon - 20, by, Act::Branch { name: branch });
        for (place, commit) in (0..).zip(commits) {
            self.event(noon - 10 + 120 * place, by, Act::Push { branch, commit, runs: place > 0 });
        }
        self.event(noon, by, Act::Open { branch, title, runs: true });
    }

    /// It is merged at nine in the morning.
    fn merge(&mut self, day: i64, by: &'static str, branch: &'static str) {
        self.event(day * 1440 + 540, by, Act::Merge { branch });
    }

    fn judge(&mut self, path: &'static str, status: &'static str, reason: &'static str, days: Option<i64>) {
        self.judgements.push((path, Judgement { status, reason, days }));
    }
}
