//! Somebody who looks at the app's pages.
//!
//! Owns the handle: what a signed address becomes, which covers one address once, when its pages lead to others. A handle stands in the path, so no
//! cookie is needed, which a frame of another site would not get. It is random, kept as a hash, bound to tenant, repository and person, and
//! good for reading only. A change needs a form token, made of the handle and the action, a request that comes from our own page, and the right to
//! it, which is asked of Bitbucket then and there.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use penstock_common::bitbucket::workspaces::Permission;
use penstock_common::{Secret, Uuid};
use sha2::{Digest, Sha256};

use super::connect::frame;
use super::token::NoRandomness;
use crate::bitbucket::{Author, Error as Refused};
use crate::jobs::follow::{take_over, take_over_name};
use crate::state::State;
use crate::store;
use crate::store::system::{TenantState, ViewerRow};
use crate::store::workspace::Workspace;

/// For how long a handle is good that nobody uses, and altogether, in milliseconds.
const IDLE: i64 = 15 * 60_000;
const ALTOGETHER: i64 = 60 * 60_000;
/// How exact it is known when a handle was last used: not every look is worth a write.
const EXACTNESS: i64 = 60_000;
/// Random bytes of a handle.
const BYTES: usize = 32;
/// Bytes of a form token.
const FORM: usize = 16;

/// What a signed address becomes. Whoever has it reads what its person may read.
#[derive(Clone)]
pub struct Handle(Secret);

impl Handle {
    fn new() -> Result<Self, NoRandomness> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes))))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == BYTES).then(|| Self(Secret::new(text)))
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose()).into()
    }

    /// As it stands in the path of a page.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a handle")
    }
}

/// Why somebody is not let in, or may not do what he wants.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// Nobody vouches for the visit.
    #[error("this page is part of Bitbucket")]
    Unsigned(String),
    /// Bitbucket vouches for it, and says too little.
    #[error("{0}")]
    Unclear(frame::FrameError),
    /// Too many came.
    #[error("too many pages were asked for")]
    TooMany,
    /// The handle was never one, is over, or the app was uninstalled.
    #[error("this view is over")]
    Over,
    /// He may not read it.
    #[error("you may not see this repository in Bitbucket")]
    NoPermission,
    /// Nobody is signed in.
    #[error("nobody is signed in")]
    Nobody,
    /// There is no such repository in the workspace.
    #[error("the workspace has no such repository")]
    NoRepository,
    /// His rights are not enough.
    #[error("{0}")]
    Lacks(&'static str),
    /// Bitbucket does not say what he may do, so he may do nothing.
    #[error("Bitbucket does not say what you may do here: {0}")]
    NotTold(String),
    /// The form is not one of ours, or not for this.
    #[error("the form is over, or did not come from this page")]
    Form,
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The system has no randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// By this.
    pub handle: Handle,
    /// To the pages of this tenant.
    pub workspace: Workspace,
    /// Of this repository; none for those of the whole workspace.
    pub repository: Option<Uuid>,
    /// Who he is.
    pub person: Uuid,
    /// His Atlassian account.
    pub account: String,
}

/// Lets somebody in whom a signed address names.
///
/// # Errors
/// When he may not read what it leads to.
pub async fn admit(
    state: &State,
    tenant: Uuid,
    repository: Option<Uuid>,
    viewer: Option<frame::Viewer>,
) -> Result<Handle, Closed> {
    let viewer = viewer.ok_or(Closed::Nobody)?;
    if let Some(repository) = repository {
        may_read(state, tenant, repository, viewer.uuid).await?;
    }
    let handle = Handle::new()?;
    let now = state.now();
    let row = ViewerRow {
        workspace: tenant,
        repository,
        person: viewer.uuid,
        account: viewer.account_id,
        created_at: now,
        used_at: now,
    };
    state.store.system().admit_viewer(&handle.hash(), &row, now - ALTOGETHER).await?;
    Ok(handle)
}

/// Bitbucket shows a private repository to nobody who may not read it, so its signed address proves that he may. A public one is seen by everybody, and
/// its findings are for members.
async fn may_read(state: &State, tenant: Uuid, repository: Uuid, person: Uuid) -> Result<(), Closed> {
    let workspace = state.store.for_workspace(tenant);
    let known = workspace.repository(repository).await?;
    if known.as_ref().is_some_and(|row| row.is_private && row.gone_at.is_none()) {
        return Ok(());
    }
    let not_told = |error: Refused| Closed::NotTold(error.to_string());
    let there = state.bitbucket.of(tenant).await.map_err(not_told)?.in_repository(repository);
    if known.is_none() {
        let told = there.get().await.map_err(not_told)?.filter(|told| told.workspace == tenant);
        let told = told.ok_or(Closed::NoRepository)?;
        // All that is told, and the main branch with it: the first run does not ask again so soon.
        take_over(state, &workspace, &told).await?;
        if told.is_private {
            return Ok(());
        }
    }
    match there.right(person).await.map_err(not_told)?.permission {
        Permission::None => Err(Closed::NoPermission),
        _ => Ok(()),
    }
}

/// Who comes with a handle.
///
/// # Errors
/// When nobody does, any more.
pub async fn enter(state: &State, handle: &str) -> Result<Viewer, Closed> {
    let handle = Handle::read(handle).ok_or(Closed::Over)?;
    let (hash, system) = (handle.hash(), state.store.system());
    let row = system.viewer(&hash).await?.ok_or(Closed::Over)?;
    let now = state.now();
    if row.used_at < now - IDLE || row.created_at < now - ALTOGETHER {
        return Err(Closed::Over);
    }
    let tenant = system.tenant(row.workspace).await?;
    if tenant.is_none_or(|tenant| tenant.state != TenantState::Active) {
        return Err(Closed::Over);
    }
    if row.used_at < now - EXACTNESS {
        system.viewer_seen(&hash, now).await?;
    }
    let workspace = state.store.for_workspace(row.workspace);
    Ok(Viewer { handle, workspace, repository: row.repository, person: row.person, account: row.account })
}

impl Viewer {
    /// What a form for `action` carries. It is worth nothing in another view, or for another action.
    pub fn form_token(&self, action: &str) -> String {
        URL_SAFE_NO_PAD.encode(&self.mac(action).finalize().into_bytes()[..FORM])
    }

    fn mac(&self, action: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.handle.expose().as_bytes()).expect("any length");
        mac.update(b"form\0");
        mac.update(action.as_bytes());
        mac
    }

    /// Whether a change was sent by our own page, for this action.
    ///
    /// # Errors
    /// [`Closed::Form`] if not.
    pub fn check_form(&self, state: &State, headers: &HeaderMap, action: &str, token: &str) -> Result<(), Closed> {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next().and_then(|value| value.to_str().ok());
        if origin != Some(state.config.base.origin()) || origins.next().is_some() {
            return Err(Closed::Form);
        }
        let given = URL_SAFE_NO_PAD.decode(token).map_err(|_| Closed::Form)?;
        if given.len() != FORM {
            return Err(Closed::Form);
        }
        self.mac(action).verify_truncated_left(&given).map_err(|_| Closed::Form)
    }

    /// He wants to do what needs so much in a repository, as Bitbucket says now. Nothing is remembered.
    async fn may(
        &self,
        state: &State,
        repository: Uuid,
        least: Permission,
        otherwise: &'static str,
    ) -> Result<Author, Closed> {
        let not_told = |error: Refused| Closed::NotTold(error.to_string());
        let bitbucket = state.bitbucket.of(self.workspace.id()).await.map_err(not_told)?;
        let right = bitbucket.in_repository(repository).right(self.person).await.map_err(not_told)?;
        if right.permission < least {
            return Err(Closed::Lacks(otherwise));
        }
        Ok(right.user)
    }

    /// Keeps how Bitbucket calls him who changes something, for the pages that tell what he did.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn acts(&self, state: &State, told: Author) -> Result<(), Closed> {
        let author = Author { account_id: Some(self.account.clone()), ..told };
        Ok(take_over_name(state, &self.workspace, &author).await?)
    }

    /// He wants to judge findings.
    ///
    /// # Errors
    /// When he may not write to the repository, or that is not known.
    pub async fn may_triage(&self, state: &State, repository: Uuid) -> Result<(), Closed> {
        let otherwise = "who judges findings must be allowed to write to the repository";
        let told = self.may(state, repository, Permission::Write, otherwise).await?;
        self.acts(state, told).await
    }

    /// He wants to see or change settings. Hands back who Bitbucket says he is.
    ///
    /// # Errors
    /// When he is no admin of the repository, or that is not known.
    pub async fn may_configure(&self, state: &State, repository: Uuid) -> Result<Author, Closed> {
        self.may(state, repository, Permission::Admin, "settings are for admins of the repository").await
    }

    /// He wants to see or change settings of the workspace. Hands back who Bitbucket says he is.
    ///
    /// # Errors
    /// When he does not administer the workspace, or that is not known.
    pub async fn may_configure_workspace(&self, state: &State) -> Result<Author, Closed> {
        let not_told = |error: Refused| Closed::NotTold(error.to_string());
        let bitbucket = state.bitbucket.of(self.workspace.id()).await.map_err(not_told)?;
        let owner = bitbucket.owner(self.person).await.map_err(not_told)?;
        owner.ok_or(Closed::Lacks("settings of the workspace are for its admins"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_long_and_not_shown() {
        let handle = Handle::new().unwrap();
        assert_eq!(handle.expose().len(), 43);
        assert_ne!(handle.expose(), Handle::new().unwrap().expose());
        assert_eq!(format!("{handle:?}"), "a handle");
        assert_eq!(Handle::read(handle.expose()).unwrap().hash(), handle.hash());
        for bad in ["", "x", &handle.expose()[1..], &format!("{}A", handle.expose()), "../../../../etc"] {
            assert!(Handle::read(bad).is_none(), "{bad}");
        }
    }
}
