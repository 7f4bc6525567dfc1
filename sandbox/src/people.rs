//! What people do in Bitbucket, by clicking or with git.

use std::sync::PoisonError;

use crate::git::Commit;
use crate::sandbox::Bitbucket;
use crate::state::account::User;
use crate::state::pull_request::{End, State};
use crate::state::token::{Kind, Reach, Token};
use crate::state::{Error, World};

impl Bitbucket {
    /// Makes an empty private repository `workspace/slug`, and its workspace if need be.
    pub fn repository(&self, full_name: &str) -> Result<(), Error> {
        self.app.world().add_repository(full_name, None).map(drop)
    }

    /// Forks a repository.
    pub fn fork(&self, full_name: &str, into: &str) -> Result<(), Error> {
        let mut world = self.app.world();
        let parent = world.named(full_name)?.uuid.clone();
        world.add_repository(into, Some(parent)).map(drop)
    }

    /// Lets everybody read a repository, or not.
    pub fn set_private(&self, full_name: &str, is_private: bool) -> Result<(), Error> {
        self.app.world().named_mut(full_name)?.is_private = is_private;
        Ok(())
    }

    /// Renames or moves a repository; the former name leads to it.
    pub fn rename_repository(&self, from: &str, to: &str) -> Result<(), Error> {
        self.app.world().rename(from, to)
    }

    /// Deletes a repository.
    pub fn delete_repository(&self, full_name: &str) -> Result<(), Error> {
        self.app.world().delete(full_name)
    }

    /// Commits on a branch, which is made without history if there is none. Answers with the new tip.
    pub fn push(&self, full_name: &str, branch: &str, commit: &Commit) -> Result<String, Error> {
        let git = self.app.world().named(full_name)?.git.clone();
        let tip = git.tip(branch);
        Ok(git.commit(branch, commit, &tip.iter().map(String::as_str).collect::<Vec<_>>())?)
    }

    /// Points a branch at a commit or at what another name stands for, wherever it pointed before. Answers with the commit.
    pub fn branch(&self, full_name: &str, branch: &str, at: &str) -> Result<String, Error> {
        let git = self.app.world().named(full_name)?.git.clone();
        let commit = git.commit_id(at).ok_or_else(|| Error::NoBranch(at.to_owned()))?;
        git.point(branch, &commit)?;
        Ok(commit)
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
        let author = world.somebody();
        let repository = world.named_mut(full_name)?;
        let end = |branch: &str| {
            let commit = repository.git.tip(branch).ok_or_else(|| Error::NoBranch(branch.to_owned()))?;
            Ok::<_, Error>(End { repository: repository.uuid.clone(), branch: branch.to_owned(), commit })
        };
        let (source, destination) = (end(source)?, end(destination)?);
        Ok(repository.open_pull_request(title, author, source, destination))
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
        let author = world.somebody();
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
        let id = repository.open_pull_request("From a fork", author, source, destination);
        repository.bring(&fork_git, id, &branch)?;
        Ok(id)
    }

    /// Declines a pull request.
    pub fn decline(&self, full_name: &str, id: u64) -> Result<(), Error> {
        let mut world = self.app.world();
        refreshed(&mut world, full_name, id)?;
        let pull_request = world.named_mut(full_name)?.pull_requests.get_mut(&id).ok_or(Error::NoPullRequest(id))?;
        pull_request.close(State::Declined, None);
        Ok(())
    }

    /// Merges a pull request. Answers with the merge's commit.
    pub fn merge(&self, full_name: &str, id: u64) -> Result<String, Error> {
        let mut world = self.app.world();
        refreshed(&mut world, full_name, id)?;
        let repository = world.named_mut(full_name)?;
        let git = repository.git.clone();
        let pull_request = repository.pull_requests.get_mut(&id).ok_or(Error::NoPullRequest(id))?;
        let message = format!("Merged in {} (pull request #{id})\n", pull_request.source.branch);
        let commit = git.merge(&pull_request.destination.branch, &pull_request.source.commit, &message)?;
        pull_request.close(State::Merged, Some(commit.clone()));
        Ok(commit)
    }

    /// Makes a pull request disappear, as if it had never been. Bitbucket has no button for it.
    pub fn delete_pull_request(&self, full_name: &str, id: u64) -> Result<(), Error> {
        let mut world = self.app.world();
        world.named_mut(full_name)?.pull_requests.remove(&id).map(drop).ok_or(Error::NoPullRequest(id))
    }

    /// Makes an access token of a repository, with classic scopes (`repository`, `pullrequest`, …). It has an account of its own.
    pub fn repository_token(&self, full_name: &str, scopes: &[&str]) -> Result<String, Error> {
        let mut world = self.app.world();
        let reach = Reach::Repository(world.named(full_name)?.uuid.clone());
        Ok(add(&mut world, Kind::Access, None, User::new("Repository access token"), scopes, reach))
    }

    /// Makes an access token of a workspace.
    pub fn workspace_token(&self, workspace: &str, scopes: &[&str]) -> Result<String, Error> {
        let mut world = self.app.world();
        let reach = reach(&world, workspace)?;
        Ok(add(&mut world, Kind::Access, None, User::new("Workspace access token"), scopes, reach))
    }

    /// Makes an API token of a user with this e-mail address, with scopes of the form `read:repository:bitbucket`.
    pub fn api_token(&self, workspace: &str, email: &str, scopes: &[&str]) -> Result<String, Error> {
        let mut world = self.app.world();
        let reach = reach(&world, workspace)?;
        Ok(add(&mut world, Kind::Api, Some(email), User::new(email), scopes, reach))
    }

    /// Makes an app password, which nothing accepts any more.
    pub fn app_password(&self, workspace: &str, name: &str) -> Result<String, Error> {
        let mut world = self.app.world();
        let reach = reach(&world, workspace)?;
        Ok(add(&mut world, Kind::AppPassword, Some(name), User::new(name), &["repository", "pullrequest"], reach))
    }

    /// Makes an OAuth consumer of a workspace: its id and its secret.
    pub fn oauth_consumer(&self, workspace: &str, scopes: &[&str]) -> Result<(String, String), Error> {
        let mut world = self.app.world();
        let uuid = world.workspace(workspace)?.uuid.clone();
        Ok(world.tokens.add_consumer(&uuid, scopes.iter().map(|&scope| scope.to_owned()).collect()))
    }

    /// Makes a token for the companion app.
    pub fn companion_token(&self) -> String {
        self.app.world().tokens.add_companion()
    }

    /// Lets a token expire.
    pub fn expire(&self, token: &str) {
        self.app.world().tokens.expire(token);
    }

    /// Takes away a token's access to everything private.
    pub fn shut_out(&self, token: &str) {
        self.app.world().tokens.shut_out(token);
    }

    /// Says whose step the proxy works for. Without it: the only repository there is.
    pub fn set_step(&self, full_name: &str) -> Result<(), Error> {
        let uuid = self.app.world().named(full_name)?.uuid.clone();
        *self.app.step.lock().unwrap_or_else(PoisonError::into_inner) = Some(uuid);
        Ok(())
    }

    /// From now on another key signs the tokens of steps. The former one stays published, unless it is withdrawn.
    pub fn rotate_keys(&self, withdraw: bool) {
        self.app.issuer.rotate(withdraw);
    }
}

fn reach(world: &World, workspace: &str) -> Result<Reach, Error> {
    Ok(Reach::Workspace(world.workspace(workspace)?.uuid.clone()))
}

fn add(world: &mut World, kind: Kind, email: Option<&str>, user: User, scopes: &[&str], reach: Reach) -> String {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    world.tokens.add(Token { kind, user, email: email.map(str::to_owned), scopes, reach, expired: false, installation: None })
}

/// A pull request follows its branches until it is closed.
fn refreshed(world: &mut World, full_name: &str, id: u64) -> Result<(), Error> {
    let repository = world.named(full_name)?;
    let source = repository.pull_requests.get(&id).ok_or(Error::NoPullRequest(id))?.source.repository.clone();
    let is_fork = source != repository.uuid;
    let fork = world.repository(&source).filter(|_| is_fork).map(|fork| fork.git.clone());
    world.named_mut(full_name)?.pull_request(id, fork.as_ref());
    Ok(())
}
