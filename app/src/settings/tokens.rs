//! API tokens, made and ended.
//!
//! Owns what is asked of a new one, and that both are told in the audit log. A token is shown once: only its hash is kept.

use penstock_common::Uuid;

use crate::audit::{Act, Entry, PENSTOCK};
use crate::door::token::{ApiToken, NoRandomness, Scopes};
use crate::store::workspace::{NewToken, Token, Workspace};
use crate::store::{self, new_id};

/// Most characters of a name, and most days.
pub const NAME_MAX: usize = 60;
/// As above.
pub const DAYS_MAX: u32 = 3650;
/// Maximum number of tokens of a workspace that are active at a time.
pub const TOKENS_MAX: usize = 200;
const DAY: i64 = 86_400_000;

/// A token that somebody wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name, which stands in logs and in what it judges.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// Good for one repository only.
    pub repository: Option<Uuid>,
    /// For how many days it holds, from 1 to [`DAYS_MAX`].
    pub days: u32,
    /// Who makes it, where that is a person: the token ends with that person's right.
    pub maker: Option<Uuid>,
}

/// Why none is made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The system.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// Its name.
    #[error("the name must have 1 to {NAME_MAX} characters, and none that is invisible")]
    Name,
    /// Another one has it.
    #[error("there is an active token with this name: choose another name, or revoke that token")]
    NameTaken,
    /// There are too many.
    #[error("the workspace has {TOKENS_MAX} active tokens, which is the limit: revoke those that are not used")]
    TooMany,
    /// It could do nothing.
    #[error("the token needs a scope")]
    NoScope,
    /// It would be valid for too long, or not at all.
    #[error("a token is valid for 1 to {DAYS_MAX} days")]
    Days,
    /// There is no such repository.
    #[error("there is no such repository")]
    UnknownRepository,
}

/// Makes a token in the name of an account, and tells its id.
///
/// # Errors
/// When what is wanted makes no sense, or it cannot be kept.
pub async fn make(workspace: &Workspace, wanted: &Wanted, by: &str, now: i64) -> Result<(u128, ApiToken), Refused> {
    let name = wanted.name.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(penstock_common::plain::is_hazard) {
        return Err(Refused::Name);
    }
    if wanted.scopes.is_empty() {
        return Err(Refused::NoScope);
    }
    if !(1..=DAYS_MAX).contains(&wanted.days) {
        return Err(Refused::Days);
    }
    if let Some(repository) = wanted.repository {
        workspace.repository(repository).await?.ok_or(Refused::UnknownRepository)?;
    }
    // What a token did is told by its name.
    let is_active = |one: &&Token| one.revoked_at.is_none() && one.expires_at.is_none_or(|at| at > now);
    let all = workspace.tokens().await?;
    if all.iter().filter(is_active).any(|one| one.name == name) {
        return Err(Refused::NameTaken);
    }
    if all.iter().filter(is_active).count() >= TOKENS_MAX {
        return Err(Refused::TooMany);
    }
    let token = ApiToken::issue()?;
    let new = NewToken {
        token: new_id(),
        hash: *token.hash().as_bytes(),
        repository: wanted.repository,
        name: name.to_owned(),
        scopes: wanted.scopes.to_string(),
        creator: by.to_owned(),
        maker: wanted.maker,
        expires_at: Some(now + i64::from(wanted.days) * DAY),
    };
    let act = Act::TokenMade {
        token: new.token.into(),
        name: new.name.clone(),
        scopes: new.scopes.clone(),
        expires_at: new.expires_at,
    };
    let mut write = workspace.write().await?;
    write.new_token(&new, now).await?;
    write.audit(&Entry { at: now, by: by.to_owned(), through: None, repository: wanted.repository, act }).await?;
    write.commit().await?;
    Ok((new.token, token))
}

/// Ends a token at once; `false` if there is none that holds.
///
/// # Errors
/// When the database does not answer.
pub async fn revoke(workspace: &Workspace, token: u128, by: &str, now: i64) -> store::Result<bool> {
    let Some(known) = workspace.token(token).await? else { return Ok(false) };
    let act = Act::TokenRevoked { token: token.into(), name: known.name };
    end(workspace, token, Entry { at: now, by: by.to_owned(), through: None, repository: known.repository, act }).await
}

/// Ends a token whose maker lost the right to make it; `false` if it was ended in between.
///
/// # Errors
/// When the database does not answer.
pub async fn lapse(workspace: &Workspace, token: &Token, now: i64) -> store::Result<bool> {
    let act = Act::TokenLapsed { token: token.token.into(), name: token.name.clone(), maker: token.creator.clone() };
    let entry = Entry { at: now, by: PENSTOCK.to_owned(), through: None, repository: token.repository, act };
    end(workspace, token.token, entry).await
}

async fn end(workspace: &Workspace, token: u128, entry: Entry) -> store::Result<bool> {
    let mut write = workspace.write().await?;
    if !write.revoke_token(token, entry.at).await? {
        return Ok(false);
    }
    write.audit(&entry).await?;
    write.commit().await?;
    Ok(true)
}
