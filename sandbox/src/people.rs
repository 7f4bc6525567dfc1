//! People and credentials: who there is, and what they may do.

use std::sync::PoisonError;

use jiff::Timestamp;

use crate::clock;
use crate::sandbox::Bitbucket;
use crate::state::account::{Act, User};
use crate::state::permission::Permission;
use crate::state::token::{Kind, Reach, Token};
use crate::state::{Error, World};

/// Somebody with an account.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Person {
    /// In braces.
    pub uuid: String,
    /// Id of the Atlassian account.
    pub account_id: String,
    /// As it is shown.
    pub name: String,
}

impl Person {
    fn of(user: &User) -> Self {
        let account_id = user.account_id().unwrap_or_default().to_owned();
        Self { uuid: user.uuid.clone(), account_id, name: user.name.clone() }
    }
}

impl Bitbucket {
    /// The one that does what nobody else is named for, and who may do everything.
    pub fn owner(&self) -> Person {
        Person::of(&User::somebody())
    }

    /// The same Bitbucket, where whatever is done is done by this person.
    pub fn acting_as(&self, person: &str) -> Result<Self, Error> {
        let actor = self.app.world().person(person)?.clone();
        Ok(Self { actor, ..self.clone() })
    }

    /// The same Bitbucket, where whatever is done is done at this time, in unix seconds: commits, pull requests and pipelines carry it. What comes
    /// over the REST API is of the present.
    #[must_use]
    pub fn acting_at(&self, unix_seconds: i64) -> Self {
        let time = Timestamp::from_second(unix_seconds).ok();
        Self { time, ..self.clone() }
    }

    /// Who does what is done through this hold, and when.
    pub(crate) fn act(&self) -> Act {
        Act { who: self.actor.clone(), when: self.time.unwrap_or_else(clock::now) }
    }

    /// Makes an account for somebody, who may do nothing yet.
    pub fn person(&self, name: &str) -> Person {
        Person::of(&self.app.world().add_person(name))
    }

    /// Somebody by name: the first who is called so.
    pub fn named(&self, name: &str) -> Result<Person, Error> {
        let world = self.app.world();
        let found = world.everybody().find(|person| person.name == name).map(Person::of);
        found.ok_or_else(|| Error::NoPerson(name.to_owned()))
    }

    /// Says what somebody may effectively do in a repository.
    pub fn permit(&self, full_name: &str, person: &str, permission: Permission) -> Result<(), Error> {
        let mut world = self.app.world();
        let uuid = world.person(person)?.uuid.clone();
        world.named_mut(full_name)?.permissions.insert(uuid, permission);
        Ok(())
    }

    /// Makes an empty workspace, if there is none of this name.
    pub fn workspace(&self, slug: &str) -> Result<(), Error> {
        self.app.world().add_workspace(slug)
    }

    /// Makes somebody's personal workspace: its UUID is that of the person, and what is installed in it acts as the person.
    pub fn personal_workspace(&self, slug: &str, person: &str) -> Result<(), Error> {
        let mut world = self.app.world();
        let owner = world.person(person)?.clone();
        world.add_personal_workspace(slug, &owner)
    }

    /// Gives a workspace another name. Its UUID stays, and nothing leads from the former name to it.
    pub fn rename_workspace(&self, from: &str, to: &str) -> Result<(), Error> {
        self.app.world().rename_workspace(from, to)
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
    world.tokens.add(Token {
        kind,
        user,
        email: email.map(str::to_owned),
        scopes,
        reach,
        expired: false,
        installation: None,
    })
}
