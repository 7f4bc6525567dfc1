//! The world: what there is in this Bitbucket.
//!
//! Owns accounts, tokens, repositories and all that hangs on them, and how each is shown as JSON. Knows nothing of HTTP. What is in
//! a repository lies in git; only what git does not know lies here.

pub(crate) mod account;
pub(crate) mod comment;
pub(crate) mod permission;
pub(crate) mod pull_request;
pub(crate) mod report;
pub(crate) mod repository;
pub(crate) mod status;
pub(crate) mod token;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::connect::installation::Directory;
use crate::connect::signer::encoded;
use crate::connect::webhooks::Hook;
use crate::git::{self, Git};
use crate::random;

use account::User;
use permission::Permission;
use pull_request::{PullRequest, State};
use repository::Repository;
use token::Tokens;

/// Why people cannot do what they want.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such repository.
    #[error("the sandbox has no repository `{0}`")]
    NoRepository(String),
    /// No such workspace.
    #[error("the sandbox has no workspace `{0}`")]
    NoWorkspace(String),
    /// No such branch.
    #[error("the repository has no branch `{0}`")]
    NoBranch(String),
    /// No such person.
    #[error("the sandbox knows nobody with the UUID `{0}`")]
    NoPerson(String),
    /// No such pull request.
    #[error("the repository has no pull request {0}")]
    NoPullRequest(u64),
    /// No such comment.
    #[error("the pull request has no comment {0}")]
    NoComment(u64),
    /// Not an address.
    #[error("`{0}` is not an address")]
    Url(String),
    /// A name that Bitbucket would not take.
    #[error("`{0}` is not a name: lower-case letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// git refused.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The disk refused.
    #[error("cannot keep repositories: {0}")]
    Disk(#[from] std::io::Error),
}

/// Where things are shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Urls {
    /// With `/2.0`, without a slash at the end.
    pub(crate) api: String,
    /// Without a slash at the end.
    pub(crate) site: String,
    /// Without a slash at the end.
    pub(crate) companion: String,
}

/// The name of a branch, or a path, as it stands in an address: a name may hold what an address may not.
pub(crate) fn in_address(name: &str) -> String {
    name.split('/').map(|part| encoded(part.as_bytes())).collect::<Vec<_>>().join("/")
}

/// A workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) slug: String,
    pub(crate) uuid: String,
    /// Whose it is, if it is somebody's personal one: both have the same UUID.
    pub(crate) owner: Option<User>,
}

impl Workspace {
    /// As Bitbucket shows it.
    pub(crate) fn json(&self, urls: &Urls) -> Value {
        json!({
            "type": "workspace",
            "uuid": self.uuid,
            "slug": self.slug,
            "name": self.slug,
            "is_private": true,
            "links": {
                "self": {"href": format!("{}/workspaces/{}", urls.api, self.slug)},
                "html": {"href": format!("{}/{}/", urls.site, self.slug)},
                "repositories": {"href": format!("{}/repositories/{}", urls.api, self.slug)},
            },
        })
    }
}

/// Everything there is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct World {
    #[serde(skip)]
    pub(crate) urls: Urls,
    /// By slug.
    pub(crate) workspaces: BTreeMap<String, Workspace>,
    /// Those with an account, by UUID.
    people: BTreeMap<String, User>,
    /// By UUID.
    repositories: BTreeMap<String, Repository>,
    /// Former full names, and the UUID of what was called so.
    moved: BTreeMap<String, String>,
    pub(crate) tokens: Tokens,
    pub(crate) apps: Directory,
    /// Webhooks that were set up by hand.
    pub(crate) hooks: Vec<Hook>,
    #[serde(skip)]
    folder: PathBuf,
}

/// Where a name leads.
pub(crate) enum Found<'a> {
    /// To a repository.
    Here(&'a Repository),
    /// To one that has another name now.
    Moved(&'a Repository),
    /// Nowhere.
    Nothing,
}

impl World {
    /// An empty world that keeps its repositories under `folder`.
    pub(crate) fn new(urls: Urls, folder: PathBuf) -> Self {
        Self {
            urls,
            workspaces: BTreeMap::new(),
            people: BTreeMap::from([(User::somebody().uuid, User::somebody())]),
            repositories: BTreeMap::new(),
            moved: BTreeMap::new(),
            tokens: Tokens::default(),
            apps: Directory::default(),
            hooks: Vec::new(),
            folder,
        }
    }

    /// The one that was kept as `text` and whose repositories lie under `folder`, reached by other addresses.
    pub(crate) fn kept(text: &str, urls: Urls, folder: PathBuf) -> serde_json::Result<Self> {
        let mut world: Self = serde_json::from_str(text)?;
        for repository in world.repositories.values_mut() {
            repository.git = Git::at(&folder_of(&folder, &repository.uuid));
        }
        Ok(Self { urls, folder, ..world })
    }

    /// Makes a workspace, if there is none of this name.
    pub(crate) fn add_workspace(&mut self, slug: &str) -> Result<(), Error> {
        let workspace = Workspace { slug: check(slug)?, uuid: random::uuid(), owner: None };
        self.workspaces.entry(slug.to_owned()).or_insert(workspace);
        Ok(())
    }

    /// Makes somebody's personal workspace.
    pub(crate) fn add_personal_workspace(&mut self, slug: &str, owner: &User) -> Result<(), Error> {
        let workspace = Workspace { slug: check(slug)?, uuid: owner.uuid.clone(), owner: Some(owner.clone()) };
        self.workspaces.insert(slug.to_owned(), workspace);
        Ok(())
    }

    /// Gives a workspace another name. Nothing leads from the former one to it.
    pub(crate) fn rename_workspace(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let slug = check(to)?;
        let mut workspace = self.workspaces.remove(from).ok_or_else(|| Error::NoWorkspace(from.to_owned()))?;
        workspace.slug.clone_from(&slug);
        for repository in self.repositories.values_mut().filter(|known| known.workspace_uuid == workspace.uuid) {
            repository.workspace.clone_from(&slug);
        }
        self.workspaces.insert(slug, workspace);
        Ok(())
    }

    /// A workspace by its slug or its UUID.
    pub(crate) fn workspace(&self, name: &str) -> Result<&Workspace, Error> {
        let known = |known: &&Workspace| known.slug == name || known.uuid == name;
        self.workspaces.values().find(known).ok_or_else(|| Error::NoWorkspace(name.to_owned()))
    }

    /// The account that the workspace with this UUID is.
    pub(crate) fn account(&self, workspace: &str) -> Result<User, Error> {
        self.workspace(workspace).map(User::of)
    }

    /// Makes an account for somebody.
    pub(crate) fn add_person(&mut self, name: &str) -> User {
        let person = User::new(name);
        self.people.insert(person.uuid.clone(), person.clone());
        person
    }

    /// Somebody by UUID, with or without braces.
    pub(crate) fn person(&self, uuid: &str) -> Result<&User, Error> {
        let braced = format!("{{{}}}", uuid.trim_matches(['{', '}']));
        self.people.get(&braced).ok_or_else(|| Error::NoPerson(uuid.to_owned()))
    }

    /// Everybody with an account, by name.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = &User> {
        let mut all: Vec<_> = self.people.values().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.into_iter()
    }

    /// Everybody who may do something in a repository, and what.
    pub(crate) fn permitted(&self, repository: &Repository) -> Vec<(&User, Permission)> {
        let permitted = |person: &User| {
            let granted = repository.permissions.get(&person.uuid).copied();
            let by_nature = person.uuid == repository.workspace_uuid || *person == User::somebody();
            granted.unwrap_or(if by_nature { Permission::Admin } else { Permission::None })
        };
        let all = self.people.values().map(|person| (person, permitted(person)));
        all.filter(|(_, permission)| *permission > Permission::None).collect()
    }

    /// Everybody who belongs to the workspace with this UUID, and whether he owns it.
    pub(crate) fn members_of(&self, workspace: &str) -> Vec<(&User, bool)> {
        let owns = |person: &User| person.uuid == workspace || *person == User::somebody();
        let repositories = self.repositories_of(workspace);
        let may = |one: &Repository, person: &User| {
            one.permissions.get(&person.uuid).is_some_and(|may| *may > Permission::None)
        };
        let belongs = |person: &User| repositories.iter().any(|one| may(one, person));
        let all = self.people.values().map(|person| (person, owns(person)));
        all.filter(|(person, owns)| *owns || belongs(person)).collect()
    }

    /// All repositories of the workspace with this UUID, sorted by name.
    pub(crate) fn repositories_of(&self, workspace: &str) -> Vec<&Repository> {
        let mut all: Vec<_> = self.repositories.values().filter(|known| known.workspace_uuid == workspace).collect();
        all.sort_by(|one, other| one.slug.cmp(&other.slug));
        all
    }

    /// Makes an empty private repository with main branch `main`, and its workspace if need be.
    pub(crate) fn add_repository(&mut self, full_name: &str, parent: Option<String>) -> Result<&mut Repository, Error> {
        let (workspace, slug) = split(full_name)?;
        self.add_workspace(workspace)?;
        let uuid = random::uuid();
        let folder = folder_of(&self.folder, &uuid);
        std::fs::create_dir(&folder)?;
        let git = match parent.as_ref().and_then(|parent| self.repositories.get(parent)) {
            None => Git::init(&folder, "main")?,
            Some(parent) => {
                let from = parent.git.folder().as_os_str();
                Git::at(&self.folder).run([
                    "clone".as_ref(),
                    "--quiet".as_ref(),
                    "--mirror".as_ref(),
                    from,
                    folder.as_os_str(),
                ])?;
                Git::at(&folder)
            }
        };
        let owner = self.workspaces.get(workspace).ok_or_else(|| Error::NoWorkspace(workspace.to_owned()))?;
        let repository = Repository::new(uuid.clone(), owner, slug, git, parent);
        self.moved.remove(full_name);
        Ok(self.repositories.entry(uuid).or_insert(repository))
    }

    /// Where a name leads. Workspace and repository may be named by slug or by UUID in braces; a
    /// repository's UUID is enough if the workspace is `{}` ("so long as you use an empty field":
    /// <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#uri-uuid>).
    pub(crate) fn find(&self, workspace: &str, repository: &str) -> Found<'_> {
        let is_named = |candidate: &&Repository| {
            let is_in = candidate.workspace == workspace || candidate.workspace_uuid == workspace;
            is_in && candidate.slug == repository || (is_in || workspace == "{}") && candidate.uuid == repository
        };
        if let Some(found) = self.repositories.values().find(is_named) {
            return Found::Here(found);
        }
        let former = self.moved.get(&format!("{workspace}/{repository}"));
        former.and_then(|uuid| self.repositories.get(uuid)).map_or(Found::Nothing, Found::Moved)
    }

    /// A repository by its UUID.
    pub(crate) fn repository(&self, uuid: &str) -> Option<&Repository> {
        self.repositories.get(uuid)
    }

    /// A repository by its UUID.
    pub(crate) fn repository_mut(&mut self, uuid: &str) -> Option<&mut Repository> {
        self.repositories.get_mut(uuid)
    }

    /// The only repository there is, by its UUID.
    pub(crate) fn only_repository(&self) -> Option<String> {
        let mut all = self.repositories.keys();
        all.next().filter(|_| self.repositories.len() == 1).cloned()
    }

    /// A repository by its full name.
    pub(crate) fn named(&self, full_name: &str) -> Result<&Repository, Error> {
        let found = self.repositories.values().find(|repository| repository.full_name() == full_name);
        found.ok_or_else(|| Error::NoRepository(full_name.to_owned()))
    }

    /// A repository by its full name.
    pub(crate) fn named_mut(&mut self, full_name: &str) -> Result<&mut Repository, Error> {
        let found = self.repositories.values_mut().find(|repository| repository.full_name() == full_name);
        found.ok_or_else(|| Error::NoRepository(full_name.to_owned()))
    }

    /// Gives a repository another name; the former one leads to it.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let (workspace, slug) = split(to)?;
        self.add_workspace(workspace)?;
        let owner = self.workspaces.get(workspace).cloned().ok_or_else(|| Error::NoWorkspace(workspace.to_owned()))?;
        let repository = self.named_mut(from)?;
        repository.rename(&owner, slug);
        let uuid = repository.uuid.clone();
        self.moved.insert(from.to_owned(), uuid);
        Ok(())
    }

    /// Takes a repository away.
    pub(crate) fn delete(&mut self, full_name: &str) -> Result<(), Error> {
        let uuid = self.named(full_name)?.uuid.clone();
        self.repositories.remove(&uuid);
        Ok(())
    }

    /// Does anybody want to be told what happens?
    pub(crate) fn is_listened_to(&self) -> bool {
        !self.hooks.is_empty() || self.apps.active().next().is_some()
    }

    /// A pull request, after what has been pushed.
    pub(crate) fn pull_request(&mut self, uuid: &str, id: u64) -> Option<&mut PullRequest> {
        let source = self.repositories.get(uuid)?.pull_requests.get(&id)?.source.repository.clone();
        let is_fork = source != uuid;
        let fork = self.repositories.get(&source).filter(|_| is_fork).map(|fork| fork.git.clone());
        self.repositories.get_mut(uuid)?.pull_request(id, is_fork, fork.as_ref())
    }

    /// The same, of a repository by its full name.
    pub(crate) fn current(&mut self, full_name: &str, id: u64) -> Result<&mut PullRequest, Error> {
        let uuid = self.named(full_name)?.uuid.clone();
        self.pull_request(&uuid, id).ok_or(Error::NoPullRequest(id))
    }

    /// A pull request, as Bitbucket shows it.
    pub(crate) fn pull_request_json(&mut self, uuid: &str, id: u64) -> Option<Value> {
        let found = self.pull_request(uuid, id)?.clone();
        let end = |uuid: &str| self.repository(uuid).map_or(Value::Null, |end| end.short_json(&self.urls));
        let ends = (end(&found.source.repository), end(&found.destination.repository));
        let (api, site) = self.repository(uuid)?.at(&self.urls);
        Some(found.json(&self.urls, (&api, &site), ends))
    }

    /// A comment, as Bitbucket shows it.
    pub(crate) fn comment_json(&self, uuid: &str, id: u64, comment: u64) -> Option<Value> {
        let repository = self.repository(uuid)?;
        let found = repository.pull_requests.get(&id)?;
        let (api, site) = repository.at(&self.urls);
        let at = (format!("{api}/pullrequests/{id}"), format!("{site}/pull-requests/{id}"));
        let comment = found.comments.iter().find(|known| known.id == comment)?;
        Some(comment.json(&self.urls, (&at.0, &at.1), id, &found.title))
    }

    /// All open pull requests from branches of a repository that fit: UUID of the destination, and number.
    pub(crate) fn open_from(&self, source: &str, fits: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
        let is_from = |pull_request: &&PullRequest| {
            let end = &pull_request.source;
            pull_request.state == State::Open && end.repository == source && fits(&end.branch)
        };
        let all = self.repositories.values();
        all.flat_map(|known| {
            let found = known.pull_requests.values().filter(is_from);
            found.map(|pull_request| (known.uuid.clone(), pull_request.id)).collect::<Vec<_>>()
        })
        .collect()
    }
}

/// Where the repository with this UUID lies.
fn folder_of(all: &Path, uuid: &str) -> PathBuf {
    all.join(format!("{}.git", uuid.trim_matches(['{', '}'])))
}

/// Workspace and slug of a full name.
fn split(full_name: &str) -> Result<(&str, &str), Error> {
    let (workspace, slug) = full_name.split_once('/').ok_or_else(|| Error::Name(full_name.to_owned()))?;
    check(workspace)?;
    check(slug)?;
    Ok((workspace, slug))
}

fn check(name: &str) -> Result<String, Error> {
    let plain =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || "-_.".contains(character);
    let good = !name.is_empty() && name.len() <= 62 && name.chars().all(plain) && !name.starts_with('.');
    if good { Ok(name.to_owned()) } else { Err(Error::Name(name.to_owned())) }
}
