//! Hooks that an admin sets up by hand.
//!
//! Owns making and removing them. A hook's secret is shown once; its address names it and proves nothing.

use penstock_common::{Secret, Uuid};

use crate::audit::{Act, Entry};
use crate::base_url::BaseUrl;
use crate::door::hook::{self, HookId};
use crate::door::token::NoRandomness;
use crate::store;
use crate::store::workspace::Workspace;

/// A hook that was just made.
#[derive(Debug)]
pub struct NewHook {
    /// Its id.
    pub hook: Uuid,
    /// The address to enter in Bitbucket.
    pub url: String,
    /// The secret to enter there. It is never shown again.
    pub secret: Secret,
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
}

/// The address of a hook.
pub fn url(base: &BaseUrl, hook: Uuid) -> String {
    format!("{base}{}/{}", crate::door::hooks::PATH, HookId::from(*hook.as_bytes()))
}

/// Makes a hook for a repository; the one before it holds no more.
///
/// # Errors
/// When it cannot be kept.
pub async fn make(
    workspace: &Workspace,
    repository: Uuid,
    base: &BaseUrl,
    by: &str,
    now: i64,
) -> Result<NewHook, Refused> {
    let hook = Uuid::from(*HookId::generate()?.as_bytes());
    let secret = hook::new_secret()?;
    let mut write = workspace.write().await?;
    write.new_hook(hook, repository, &secret, now).await?;
    write.audit(&entry(repository, by, now, Act::HookMade { hook })).await?;
    write.commit().await?;
    Ok(NewHook { hook, url: url(base, hook), secret })
}

/// Ends a hook; `false` if the repository has no such one.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(workspace: &Workspace, repository: Uuid, hook: Uuid, by: &str, now: i64) -> store::Result<bool> {
    let mut write = workspace.write().await?;
    if !write.remove_hook(repository, hook).await? {
        return Ok(false);
    }
    write.audit(&entry(repository, by, now, Act::HookRemoved { hook })).await?;
    write.commit().await?;
    Ok(true)
}

fn entry(repository: Uuid, by: &str, now: i64, act: Act) -> Entry {
    Entry { at: now, by: by.to_owned(), through: None, repository: Some(repository), act }
}
