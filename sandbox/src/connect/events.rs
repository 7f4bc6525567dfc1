//! What happened, as it is told.
//!
//! Owns the payloads' shapes, after recordings and
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>. Made the moment that it happens: what is told later is what was so then.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::git::Git;
use crate::rest::commits::log;
use crate::state::account::User;
use crate::state::repository::Repository;
use crate::state::{World, in_address};

/// Most commits that a change tells.
const COMMITS_MAX: usize = 5;

/// Something that happened in a repository.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) key: &'static str,
    /// UUIDs of the workspaces whose receivers are told: two if a repository went from one to the other.
    pub(crate) workspaces: Vec<String>,
    /// UUID of the repository.
    pub(crate) repository: String,
    /// Without an envelope.
    pub(crate) data: Value,
}

/// Branches and their tips.
pub(crate) type Heads = BTreeMap<String, String>;

/// The branches of a repository.
pub(crate) fn heads(git: &Git) -> Heads {
    let listed = git.text(["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads"]);
    let listed = listed.unwrap_or_default();
    let pair = |line: &str| line.split_once(' ').map(|(tip, name)| (name.to_owned(), tip.to_owned()));
    listed.lines().filter_map(pair).collect()
}

/// A repository, where an event is about it.
fn repository_json(world: &World, repository: &Repository) -> Value {
    let mut shown = repository.json(&world.urls, None);
    if let Some(shown) = shown.as_object_mut() {
        // As recorded: <https://github.com/B-AROL-O/ble-testsuite/tree/main/docs/sample_webhooks>.
        for name in ["slug", "created_on", "updated_on", "size", "fork_policy", "mainbranch"] {
            shown.remove(name);
        }
    }
    shown
}

/// An event about a repository, with what is particular to it.
fn event(world: &World, repository: &Repository, actor: &User, key: &'static str, more: Value) -> Event {
    let mut data = json!({"actor": actor.json(&world.urls), "repository": repository_json(world, repository)});
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    Event { key, workspaces: vec![repository.workspace_uuid.clone()], repository: repository.uuid.clone(), data }
}

/// Something about a repository that is told without more.
pub(crate) fn plain(world: &World, uuid: &str, actor: &User, key: &'static str) -> Option<Event> {
    Some(event(world, world.repository(uuid)?, actor, key, json!({})))
}

/// A repository has another name. `former` is its full name until now.
pub(crate) fn renamed(world: &World, uuid: &str, actor: &User, former: &str) -> Option<Event> {
    let repository = world.repository(uuid)?;
    let changes = json!({
        "name": {"old": former.split('/').next_back(), "new": repository.slug},
        "full_name": {"old": former, "new": repository.full_name()},
    });
    Some(event(world, repository, actor, "repo:updated", json!({"changes": changes})))
}

/// A repository lies in another project. How that is told is not documented: without changes.
pub(crate) fn moved(world: &World, uuid: &str, actor: &User) -> Option<Event> {
    Some(event(world, world.repository(uuid)?, actor, "repo:updated", json!({"changes": {}})))
}

/// A repository belongs to another workspace. Who is told is not documented: both are.
pub(crate) fn transferred(world: &World, uuid: &str, actor: &User, former_workspace: &str) -> Option<Event> {
    let mut event = plain(world, uuid, actor, "repo:transfer")?;
    event.workspaces.push(former_workspace.to_owned());
    Some(event)
}

/// Branches changed. None: they did not.
pub(crate) fn pushed(world: &World, uuid: &str, actor: &User, before: &Heads, after: &Heads) -> Option<Event> {
    let repository = world.repository(uuid)?;
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let changes: Vec<Value> =
        changed.map(|name| change(world, repository, name, before, before.get(name), after.get(name))).collect();
    let more = json!({"push": {"changes": changes}});
    (!changes.is_empty()).then(|| event(world, repository, actor, "repo:push", more))
}

fn change(
    world: &World,
    repository: &Repository,
    name: &str,
    before: &Heads,
    old: Option<&String>,
    new: Option<&String>,
) -> Value {
    let git = &repository.git;
    let full_name = repository.full_name();
    let list = |arguments: Vec<String>| log(git, &world.urls, &full_name, &arguments).unwrap_or_default();
    let end = |tip: &String| {
        let target = list(vec!["--max-count=1".to_owned(), tip.clone()]).pop().unwrap_or_default();
        let ((api, site), at) = (repository.at(&world.urls), in_address(name));
        let links = json!({
            "self": {"href": format!("{api}/refs/branches/{at}")},
            "html": {"href": format!("{site}/branch/{at}")},
        });
        json!({"type": "branch", "name": name, "target": target, "links": links})
    };
    // What a new branch brings is what no other one had.
    let mut commits = new.map_or_else(Vec::new, |new| {
        let known = old.map_or_else(|| before.values().collect(), |old| vec![old]);
        let mut arguments = vec![format!("--max-count={}", COMMITS_MAX + 1), new.clone()];
        arguments.extend(known.into_iter().map(|tip| format!("^{tip}")));
        list(arguments)
    });
    let is_truncated = commits.len() > COMMITS_MAX;
    commits.truncate(COMMITS_MAX);
    let is_forced = old.zip(new).is_some_and(|(old, new)| git.run(["merge-base", "--is-ancestor", old, new]).is_err());
    let mut change = json!({
        "old": old.map(end),
        "new": new.map(end),
        "created": old.is_none(),
        "closed": new.is_none(),
        "forced": is_forced,
        "truncated": is_truncated,
    });
    // A deleted branch is reported without the key. Seen:
    // <https://github.com/php-censor/php-censor/issues/337>,
    // <https://github.com/zulip/zulip/pull/8931>.
    if new.is_some() {
        change["commits"] = commits.into();
    }
    change
}

/// Something about a pull request.
pub(crate) fn pull_request(
    world: &mut World,
    uuid: &str,
    id: u64,
    actor: &User,
    key: &'static str,
    more: Value,
) -> Option<Event> {
    let mut shown = world.pull_request_json(uuid, id)?;
    // The REST API leaves out what is gone; events tell `null`.
    if shown["source"].get("repository").is_none() {
        shown["source"]["repository"] = Value::Null;
    }
    if shown.get("merge_commit").is_none() {
        shown["merge_commit"] = Value::Null;
    }
    let closed_by = if matches!(key, "pullrequest:fulfilled" | "pullrequest:rejected") {
        actor.json(&world.urls)
    } else {
        Value::Null
    };
    shown["closed_by"] = closed_by;
    let mut data = json!({"pullrequest": shown});
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    Some(event(world, world.repository(uuid)?, actor, key, data))
}

/// Something about a comment on a pull request.
pub(crate) fn comment(
    world: &mut World,
    uuid: &str,
    id: u64,
    comment: u64,
    actor: &User,
    key: &'static str,
) -> Option<Event> {
    let shown = world.comment_json(uuid, id, comment)?;
    pull_request(world, uuid, id, actor, key, json!({"comment": shown}))
}

/// A build status was set.
pub(crate) fn status(
    world: &World,
    uuid: &str,
    commit: &str,
    (key, refname): (&str, Option<&str>),
    actor: &User,
    is_new: bool,
) -> Option<Event> {
    let repository = world.repository(uuid)?;
    let (api, _) = repository.at(&world.urls);
    let found = repository.statuses.get(commit, key, refname)?;
    let mut shown = found.json(&api, commit);
    let arguments = ["--max-count=1".to_owned(), commit.to_owned()];
    let commit = log(&repository.git, &world.urls, &repository.full_name(), &arguments).ok()?.pop();
    shown["commit"] = commit.unwrap_or_default();
    shown["refname"] = found.refname.clone().into();
    shown["repository"] = repository.short_json(&world.urls);
    let key = if is_new { "repo:commit_status_created" } else { "repo:commit_status_updated" };
    Some(event(world, repository, actor, key, json!({"commit_status": shown})))
}
