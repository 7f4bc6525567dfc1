//! What people do to repositories and pull requests, by clicking or with git, and what is told of it.
//!
//! Owns the order: first the change, then the events, with the world as it is then. Who did it is whoever the [`Bitbucket`] acts as.

use serde_json::{Value, json};

use crate::app::App;
use crate::connect::events::{self, Event, Heads};
use crate::git::{Commit, Git};
use crate::sandbox::Bitbucket;
use crate::state::account::User;
use crate::state::comment::Comment;
use crate::state::pull_request::{End, State};
use crate::state::repository::Project;
use crate::state::{Error, World};

impl App {
    /// Tells an event, if anybody listens.
    pub(crate) fn tell(&self, world: &mut World, event: impl FnOnce(&mut World) -> Option<Event>) {
        if world.is_listened_to()
            && let Some(event) = event(world)
        {
            self.webhooks.emit(world, &event);
        }
    }

    /// The branches of a repository, if anybody will be told how they changed.
    pub(crate) fn heads_before(&self, git: &Git) -> Option<Heads> {
        self.world().is_listened_to().then(|| events::heads(git))
    }

    /// Tells that branches changed, and that pull requests did with them.
    pub(crate) fn tell_push(&self, uuid: &str, actor: &User, before: Option<&Heads>) {
        let mut world = self.world();
        let (Some(before), Some(git)) = (before, world.repository(uuid).map(|known| known.git.clone())) else { return };
        let after = events::heads(&git);
        self.tell(&mut world, |world| events::pushed(world, uuid, actor, before, &after));
        let has_moved =
            |branch: &str| after.get(branch).is_some_and(|tip| before.get(branch).is_some_and(|old| old != tip));
        for (destination, id) in world.open_from(uuid, has_moved) {
            for key in ["pullrequest:push", "pullrequest:updated"] {
                self.tell(&mut world, |world| events::pull_request(world, &destination, id, actor, key, json!({})));
            }
        }
    }
}

impl Bitbucket {
    /// Makes an empty private repository `workspace/slug`, and its workspace if need be.
    pub fn repository(&self, full_name: &str) -> Result<(), Error> {
        self.create(full_name, None)
    }

    /// Forks a repository.
    pub fn fork(&self, full_name: &str, into: &str) -> Result<(), Error> {
        let parent = self.app.world().named(full_name)?.uuid.clone();
        self.create(into, Some(parent))
    }

    fn create(&self, full_name: &str, parent: Option<String>) -> Result<(), Error> {
        let mut world = self.app.world();
        let uuid = world.add_repository(full_name, parent)?.uuid.clone();
        self.app.tell(&mut world, |world| events::plain(world, &uuid, &self.actor, "repo:created"));
        Ok(())
    }

    /// Lets everybody read a repository, or not.
    pub fn set_private(&self, full_name: &str, is_private: bool) -> Result<(), Error> {
        self.app.world().named_mut(full_name)?.is_private = is_private;
        Ok(())
    }

    /// Renames a repository, or transfers it to another workspace; the former name leads to it.
    pub fn rename_repository(&self, from: &str, to: &str) -> Result<(), Error> {
        let mut world = self.app.world();
        let (uuid, former) = {
            let repository = world.named(from)?;
            (repository.uuid.clone(), repository.workspace_uuid.clone())
        };
        world.rename(from, to)?;
        let is_transfer = world.named(to)?.workspace_uuid != former;
        self.app.tell(&mut world, |world| {
            if is_transfer {
                events::transferred(world, &uuid, &self.actor, &former)
            } else {
                events::renamed(world, &uuid, &self.actor, from)
            }
        });
        Ok(())
    }

    /// Puts a repository into a project of its workspace, which is made if there is none with this key.
    pub fn move_to_project(&self, full_name: &str, key: &str) -> Result<(), Error> {
        let mut world = self.app.world();
        let (uuid, workspace) = {
            let repository = world.named(full_name)?;
            (repository.uuid.clone(), repository.workspace_uuid.clone())
        };
        let known = world.repositories_of(&workspace).into_iter().find(|known| known.project.key == key);
        let project = known.map_or_else(|| Project::new(key), |known| known.project.clone());
        world.named_mut(full_name)?.project = project;
        self.app.tell(&mut world, |world| events::moved(world, &uuid, &self.actor));
        Ok(())
    }

    /// Deletes a repository.
    pub fn delete_repository(&self, full_name: &str) -> Result<(), Error> {
        let mut world = self.app.world();
        let uuid = world.named(full_name)?.uuid.clone();
        // While there is something to tell of.
        self.app.tell(&mut world, |world| events::plain(world, &uuid, &self.actor, "repo:deleted"));
        world.delete(full_name)
    }

    /// Commits on a branch, which is made without history if there is none. Answers with the new tip.
    pub fn push(&self, full_name: &str, branch: &str, commit: &Commit) -> Result<String, Error> {
        self.change_branches(full_name, |git| {
            let tip = git.tip(branch);
            let parents = tip.iter().map(String::as_str).collect::<Vec<_>>();
            Ok(git.commit(branch, commit, &parents, &self.act())?)
        })
    }

    /// Points a branch at a commit or at what another name stands for, wherever it pointed before. Answers with the commit.
    pub fn branch(&self, full_name: &str, branch: &str, at: &str) -> Result<String, Error> {
        self.change_branches(full_name, |git| {
            let commit = git.commit_id(at).ok_or_else(|| Error::NoBranch(at.to_owned()))?;
            git.point(branch, &commit)?;
            Ok(commit)
        })
    }

    /// Deletes a branch.
    pub fn delete_branch(&self, full_name: &str, branch: &str) -> Result<(), Error> {
        self.change_branches(full_name, |git| {
            git.tip(branch).ok_or_else(|| Error::NoBranch(branch.to_owned()))?;
            Ok(git.delete(branch)?)
        })
    }

    fn change_branches<T>(&self, full_name: &str, act: impl FnOnce(&Git) -> Result<T, Error>) -> Result<T, Error> {
        let (git, uuid) = {
            let world = self.app.world();
            let repository = world.named(full_name)?;
            (repository.git.clone(), repository.uuid.clone())
        };
        let before = self.app.heads_before(&git);
        let done = act(&git)?;
        self.app.tell_push(&uuid, &self.actor, before.as_ref());
        Ok(done)
    }

    /// The tip of a branch.
    pub fn tip(&self, full_name: &str, branch: &str) -> Result<String, Error> {
        let git = self.app.world().named(full_name)?.git.clone();
        git.tip(branch).ok_or_else(|| Error::NoBranch(branch.to_owned()))
    }

    /// Opens a pull request. Answers with its number.
    pub fn open_pull_request(
        &self,
        full_name: &str,
        title: &str,
        source: &str,
        destination: &str,
    ) -> Result<u64, Error> {
        let mut world = self.app.world();
        let repository = world.named_mut(full_name)?;
        let end = |branch: &str| {
            let commit = repository.git.tip(branch).ok_or_else(|| Error::NoBranch(branch.to_owned()))?;
            Ok::<_, Error>(End { repository: repository.uuid.clone(), branch: branch.to_owned(), commit })
        };
        let (source, destination) = (end(source)?, end(destination)?);
        let id = repository.open_pull_request(title, self.act(), source, destination);
        self.tell_pull_request(&mut world, full_name, id, "pullrequest:created");
        Ok(id)
    }

    /// Opens a pull request from a branch of a fork. Answers with its number.
    pub fn open_pull_request_from(
        &self,
        fork: &str,
        source: &str,
        full_name: &str,
        destination: &str,
    ) -> Result<u64, Error> {
        let mut world = self.app.world();
        let (fork_uuid, fork_git) = {
            let fork = world.named(fork)?;
            (fork.uuid.clone(), fork.git.clone())
        };
        let no_branch = |branch: &str| Error::NoBranch(branch.to_owned());
        let repository = world.named_mut(full_name)?;
        let commit = fork_git.tip(source).ok_or_else(|| no_branch(source))?;
        let source = End { repository: fork_uuid, branch: source.to_owned(), commit };
        let commit = repository.git.tip(destination).ok_or_else(|| no_branch(destination))?;
        let destination = End { repository: repository.uuid.clone(), branch: destination.to_owned(), commit };
        let branch = source.branch.clone();
        let id = repository.open_pull_request("From a fork", self.act(), source, destination);
        repository.bring(&fork_git, id, &branch)?;
        self.tell_pull_request(&mut world, full_name, id, "pullrequest:created");
        Ok(id)
    }

    /// Changes the title, the description or the destination of a pull request; what is not given stays.
    pub fn update_pull_request(
        &self,
        full_name: &str,
        id: u64,
        title: Option<&str>,
        description: Option<&str>,
        destination: Option<&str>,
    ) -> Result<(), Error> {
        let mut world = self.app.world();
        if let Some(branch) = destination {
            world.named(full_name)?.git.tip(branch).ok_or_else(|| Error::NoBranch(branch.to_owned()))?;
        }
        let pull_request = world.current(full_name, id)?;
        pull_request.edit(title, description, destination);
        self.tell_pull_request(&mut world, full_name, id, "pullrequest:updated");
        Ok(())
    }

    /// Declines a pull request.
    pub fn decline(&self, full_name: &str, id: u64) -> Result<(), Error> {
        let mut world = self.app.world();
        world.current(full_name, id)?.close(State::Declined, None, self.act().when);
        self.tell_pull_request(&mut world, full_name, id, "pullrequest:rejected");
        Ok(())
    }

    /// Merges a pull request, with a commit that has two parents. Answers with it.
    pub fn merge(&self, full_name: &str, id: u64) -> Result<String, Error> {
        let pull_request = self.app.world().current(full_name, id)?.clone();
        let commit = self.change_branches(full_name, |git| {
            let message = format!("Merged in {} (pull request #{id})\n", pull_request.source.branch);
            Ok(git.merge(&pull_request.destination.branch, &pull_request.source.commit, &message, &self.act())?)
        })?;
        let mut world = self.app.world();
        let found = world.named_mut(full_name)?.pull_requests.get_mut(&id).ok_or(Error::NoPullRequest(id))?;
        found.close(State::Merged, Some(commit.clone()), self.act().when);
        self.tell_pull_request(&mut world, full_name, id, "pullrequest:fulfilled");
        Ok(commit)
    }

    /// Makes a pull request disappear, as if it had never been. Bitbucket has no button for it.
    pub fn delete_pull_request(&self, full_name: &str, id: u64) -> Result<(), Error> {
        let mut world = self.app.world();
        world.named_mut(full_name)?.pull_requests.remove(&id).map(drop).ok_or(Error::NoPullRequest(id))
    }

    /// Comments on a pull request. Answers with the comment's number.
    pub fn comment(&self, full_name: &str, id: u64, text: &str) -> Result<u64, Error> {
        let mut world = self.app.world();
        world.current(full_name, id)?;
        let comment = world.named_mut(full_name)?.next_comment();
        let body = json!({"content": {"raw": text}});
        world.current(full_name, id)?.comments.push(Comment::new(comment, &self.actor, &body));
        self.tell_comment(&mut world, full_name, id, comment, "pullrequest:comment_created");
        Ok(comment)
    }

    /// Writes something else into a comment.
    pub fn edit_comment(&self, full_name: &str, id: u64, comment: u64, text: &str) -> Result<(), Error> {
        let body: Value = json!({"content": {"raw": text}});
        self.change_comment(full_name, id, comment, "pullrequest:comment_updated", |found| found.edit(&body))
    }

    /// Deletes a comment.
    pub fn delete_comment(&self, full_name: &str, id: u64, comment: u64) -> Result<(), Error> {
        self.change_comment(full_name, id, comment, "pullrequest:comment_deleted", Comment::delete)
    }

    fn change_comment(
        &self,
        full_name: &str,
        id: u64,
        comment: u64,
        key: &'static str,
        change: impl FnOnce(&mut Comment),
    ) -> Result<(), Error> {
        let mut world = self.app.world();
        let mut comments = world.current(full_name, id)?.comments.iter_mut();
        change(comments.find(|known| known.id == comment).ok_or(Error::NoComment(comment))?);
        self.tell_comment(&mut world, full_name, id, comment, key);
        Ok(())
    }

    fn tell_pull_request(&self, world: &mut World, full_name: &str, id: u64, key: &'static str) {
        self.app.tell(world, |world| {
            let uuid = world.named(full_name).ok()?.uuid.clone();
            events::pull_request(world, &uuid, id, &self.actor, key, json!({}))
        });
    }

    fn tell_comment(&self, world: &mut World, full_name: &str, id: u64, comment: u64, key: &'static str) {
        self.app.tell(world, |world| {
            let uuid = world.named(full_name).ok()?.uuid.clone();
            events::comment(world, &uuid, id, comment, &self.actor, key)
        });
    }
}
