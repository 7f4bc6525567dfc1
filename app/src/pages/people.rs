//! Names of people.
//!
//! Owns how somebody is called who is known by an account only: by his name as long as it is kept.

use std::collections::HashMap;

use crate::audit::{OPERATOR, PENSTOCK};
use crate::store::Result;
use crate::store::workspace::Workspace;
use crate::track::Actor;

/// What is called so by the pages themselves, and nobody else.
const OURS: [&str; 4] = ["the operator", "a run", "penstock", "bitbucket"];

/// The names that a tenant has.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    by_account: HashMap<String, String>,
}

impl Names {
    /// All of them.
    pub(super) async fn of(workspace: &Workspace) -> Result<Self> {
        let people = workspace.people().await?;
        let honest = people.into_iter().filter(|person| !is_ours(&person.name));
        Ok(Self { by_account: honest.map(|person| (person.account, person.name)).collect() })
    }

    /// The account of somebody who is called by a name: names are chosen freely, and two may have the same.
    pub(super) fn behind<'a>(&self, account: &'a str) -> Option<&'a str> {
        self.by_account.contains_key(account).then_some(account)
    }

    /// Somebody.
    pub(super) fn account(&self, account: &str) -> String {
        match account {
            OPERATOR => return "the operator".to_owned(),
            PENSTOCK => return "Penstock".to_owned(),
            _ => {}
        }
        self.by_account.get(account).cloned().unwrap_or_else(|| format!("account {account}"))
    }

    /// Whoever caused something.
    pub(super) fn actor(&self, actor: &Actor) -> String {
        match actor {
            Actor::Run(_) => "a run".to_owned(),
            Actor::Account(account) => self.account(account),
            Actor::Token(name) => format!("the API token “{name}”"),
            Actor::Clock => "Penstock".to_owned(),
            Actor::Bitbucket => "Bitbucket".to_owned(),
        }
    }
}

fn is_ours(name: &str) -> bool {
    let name = name.to_lowercase();
    OURS.contains(&name.as_str()) || name.starts_with("account ")
}
