//! Makes the history: each commit is pushed with its date, and the real pipe runs on it as it would have then.
//!
//! Owns the order and the two threads of time: what git and the pipe say is of then (`SOURCE_DATE_EPOCH` is the pipe's clock); what the app did about
//! it, it did now. Nothing is written into the app's database by anybody but the app.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use penstock_sandbox::{Bitbucket, PipeRun, Sandbox};

use super::api::Api;
use super::stories::{Act, DAYS, Event, Story, all};
use crate::Failure;
use crate::copies::Copies;

/// How many days are played before the app is started anew: it asks Bitbucket at most 900 things an hour, and the hours of many days pass in a minute
/// here.
const CHAPTER: i64 = 12;
/// How long the app may take to post its comment.
const PATIENCE: Duration = Duration::from_secs(30);
const DAY: i64 = 86_400;

/// Plays all stories, side by side. How often the pipe ran.
pub(super) fn play(sandbox: &Sandbox, app: &mut Copies, workspace: &str) -> Result<usize, Failure> {
    let begin = now() / DAY * DAY - DAYS * DAY;
    let stories = all(workspace);
    let mut known: Vec<Known> = stories.iter().map(|_| Known::default()).collect();
    for chapter in (0..DAYS).step_by(CHAPTER as usize) {
        let minutes = chapter * 1440..(chapter + CHAPTER) * 1440;
        if chapter > 0 {
            app.restart()?;
        }
        thread::scope(|scope| {
            let players: Vec<_> = stories
                .iter()
                .zip(&mut known)
                .map(|(story, known)| {
                    let minutes = minutes.clone();
                    let bitbucket = Bitbucket::clone(sandbox);
                    scope.spawn(move || {
                        let mut events = story.events.iter().filter(|event| minutes.contains(&event.minute));
                        let mut player = Player { bitbucket: &bitbucket, story, begin, known };
                        events.try_for_each(|event| player.play(event))
                    })
                })
                .collect();
            let ends =
                players.into_iter().map(|player| player.join().unwrap_or_else(|_| Err("a story broke off".into())));
            ends.collect::<Result<Vec<()>, String>>()
        })?;
        sandbox.settle();
    }
    let api = Api::new(sandbox, app, workspace)?;
    for story in &stories {
        for (path, judgement) in &story.judgements {
            api.judge(&sandbox.repository_uuid(&story.repository)?, path, judgement, now())?;
        }
    }
    Ok(known.iter().map(|known| known.runs).sum())
}

/// What was made in a story so far.
#[derive(Default)]
struct Known {
    /// Numbers of pull requests, by their source.
    pull_requests: BTreeMap<&'static str, u64>,
    runs: usize,
}

struct Player<'a> {
    bitbucket: &'a Bitbucket,
    story: &'a Story,
    /// The first day, in unix seconds.
    begin: i64,
    known: &'a mut Known,
}

impl Player<'_> {
    fn play(&mut self, event: &Event) -> Result<(), String> {
        let told =
            |error: &dyn std::fmt::Display| format!("{}, minute {}: {error}", self.story.repository, event.minute);
        let person = self.bitbucket.named(event.by).map_err(|error| told(&error))?;
        let there = self.bitbucket.acting_as(&person.uuid).map_err(|error| told(&error))?;
        let there = there.acting_at(self.begin + event.minute * 60);
        self.act(&there, &event.act).map_err(|error| told(&error))
    }

    fn act(&mut self, there: &Bitbucket, act: &Act) -> Result<(), Failure> {
        let repository = self.story.repository.as_str();
        match act {
            Act::Push { branch, commit, runs } => {
                there.push(repository, branch, commit)?;
                match (*runs, self.known.pull_requests.get(branch)) {
                    (false, _) => {}
                    (true, Some(id)) => self.ran(there.run_pull_request(repository, *id)?)?,
                    (true, None) => self.ran(there.run_branch(repository, branch)?)?,
                }
            }
            Act::Branch { name } => {
                there.branch(repository, name, "main")?;
            }
            Act::Open { branch, title, runs } => {
                let id = there.open_pull_request(repository, title, branch, "main")?;
                self.known.pull_requests.insert(branch, id);
                if *runs {
                    self.ran(there.run_pull_request(repository, id)?)?;
                }
            }
            Act::Merge { branch } => {
                let id = self.known.pull_requests.remove(branch).ok_or("there is no such pull request")?;
                there.merge(repository, id)?;
                self.ran(there.run_branch(repository, "main")?)?;
            }
            Act::Ignore { branch, path, reason } => {
                let id = *self.known.pull_requests.get(branch).ok_or("there is no such pull request")?;
                let finding = named(there, repository, id, path)?;
                there.comment(repository, id, &format!("/penstock ignore {finding} {reason}"))?;
            }
        }
        Ok(())
    }

    /// A gate that fails is part of the story; a pipe that could not do its work is not.
    fn ran(&mut self, run: PipeRun) -> Result<(), Failure> {
        self.known.runs += 1;
        match run.code {
            Some(0 | 1) => Ok(()),
            other => Err(format!("the pipe ended with {other:?}:\n{}\n{}", run.stdout, run.stderr).into()),
        }
    }
}

/// The ID by which the app's comment says that the new finding at a path can be ignored.
fn named(there: &Bitbucket, repository: &str, id: u64, path: &str) -> Result<String, Failure> {
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        for comment in there.comments(repository, id)? {
            let line = comment.raw.lines().find(|line| line.starts_with("- `") && line.ends_with(path));
            if let Some(finding) = line.and_then(|line| line.split('`').nth(1)) {
                return Ok(finding.to_owned());
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("the app's comment on pull request {id} does not name {path}").into())
}

fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the history ends today; this crate is never shipped")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}
