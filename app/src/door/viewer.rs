//! A person who views the app's pages.
//!
//! Owns the handle, to which a signed address is exchanged: a signature covers one address, and
//! pages lead to others. A handle is in the path, because a frame on another site gets no cookies.
//! It is random, stored as a hash, bound to tenant, repository and person, and valid for reading
//! only, until an hour after the host signed the address. The address itself works for a minute
//! after its first use: a page may be reloaded, and an address that is found later in a log does
//! not work. A change needs a form token, derived from the handle and the action, a request from
//! our own page, and the right to it, which Bitbucket confirms at that moment.

use std::fmt;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use penstock_common::bitbucket::workspaces::Permission;
use penstock_common::{Secret, Uuid};
use sha2::{Digest, Sha256};

use super::connect::frame;
use super::connect::handlers::Vouched;
use super::rights::{ALLOWED, Installation};
use super::token::NoRandomness;
use crate::bitbucket::{Author, Bitbucket, Error as Refused, Purpose};
use crate::jobs::follow::{take_over, take_over_name};
use crate::state::State;
use crate::store;
use crate::store::system::{AddressUse, TenantState, ViewerRow};
use crate::store::workspace::Workspace;

/// How long a handle is valid without use, and in total since the host signed its address, in
/// milliseconds.
const IDLE: i64 = 15 * 60_000;
const ALTOGETHER: i64 = 60 * 60_000;
/// For how long a signed address works after its first use, in milliseconds.
const REUSE: i64 = 60_000;
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
    /// The signed address was used before, and not just now.
    #[error("this address was used before")]
    Used,
    /// Too many pages were requested, or the person's requests to Bitbucket are used up.
    #[error("too many pages were requested, try again in {0} s")]
    TooMany(u64),
    /// The handle was never one, is over, or the app was uninstalled.
    #[error("this view is over")]
    Over,
    /// The person may not read it.
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
    vouched: &Vouched,
    repository: Option<Uuid>,
    viewer: Option<frame::Viewer>,
) -> Result<Handle, Closed> {
    let tenant = vouched.workspace;
    let viewer = viewer.ok_or(Closed::Nobody)?;
    if let Some(repository) = repository {
        let installation = installation(state, tenant).await?;
        may_read(state, installation, repository, viewer.uuid, Proof::Signed(vouched.signed_at)).await?;
    }
    let handle = Handle::new()?;
    let now = state.now();
    let row = ViewerRow {
        workspace: tenant,
        repository,
        person: viewer.uuid,
        account: viewer.account_id,
        created_at: now,
        // The host's clock may be ahead by as much as tokens allow.
        signed_at: vouched.signed_at.min(now),
        used_at: now,
    };
    let at = AddressUse { address: vouched.token_hash, over: now - ALTOGETHER, first_use: now - REUSE };
    match state.store.system().admit_viewer(&handle.hash(), &row, &at).await? {
        true => Ok(handle),
        false => Err(Closed::Used),
    }
}

/// The installation that a tenant has now.
async fn installation(state: &State, tenant: Uuid) -> Result<Installation, Closed> {
    let row = state.store.system().tenant(tenant).await?.filter(|row| row.state == TenantState::Active);
    row.map(|row| Installation { workspace: tenant, since: row.since }).ok_or(Closed::Over)
}

/// When a signed address proved the right to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// When it was signed, in unix milliseconds. One that is used later, or again, proves nothing
    /// newer.
    Signed(i64),
    /// Within the hour that a view lasts.
    Before,
}

impl Proof {
    /// Since when the right is proven, if that is not too long ago to be believed.
    fn since(self, now: i64) -> Option<i64> {
        match self {
            Self::Signed(at) if at > now - ALLOWED => Some(at.min(now)),
            _ => None,
        }
    }
}

/// Whether a person may read a repository. Bitbucket's answer is cached for minutes
/// ([`super::rights`]).
///
/// Bitbucket shows a private repository only to those who may read it, so its signed address proves
/// the right. A public one is open to everyone, but its findings are for members only.
async fn may_read(
    state: &State,
    installation: Installation,
    repository: Uuid,
    person: Uuid,
    proof: Proof,
) -> Result<(), Closed> {
    let now = state.now();
    let known = state.store.for_workspace(installation.workspace).repository(repository).await?;
    let is_private = known.as_ref().is_some_and(|row| row.is_private && row.gone_at.is_none());
    let keep = |may, at| state.rights.keep(installation, repository, person, may, at);
    match state.rights.of(installation, repository, person, now) {
        Some(true) if known.is_some() => return Ok(()),
        Some(false) => return Err(Closed::NoPermission),
        _ => {}
    }
    if is_private && let Some(since) = proof.since(now) {
        keep(true, since);
        return Ok(());
    }
    let there = asking(state, installation.workspace, person).await?.in_repository(repository);
    if known.is_none() {
        let told = there.get().await.map_err(not_told)?.filter(|told| told.workspace == installation.workspace);
        let told = told.ok_or(Closed::NoRepository)?;
        // All that is told, and the main branch with it: the first run does not ask again so soon.
        take_over(state, &state.store.for_workspace(installation.workspace), &told).await?;
        if told.is_private
            && let Some(since) = proof.since(now)
        {
            keep(true, since);
            return Ok(());
        }
    }
    let may = match there.right(person).await {
        Ok(right) => right.permission != Permission::None,
        // Where the app may not ask, the signed address is all there is. It was vouched for within
        // the hour.
        Err(Refused::Denied(_)) if is_private => true,
        Err(error) => return Err(not_told(error)),
    };
    keep(may, now);
    if may { Ok(()) } else { Err(Closed::NoPermission) }
}

/// Bitbucket on behalf of a person: requests are taken from that person's bucket.
async fn asking(state: &State, tenant: Uuid, person: Uuid) -> Result<Bitbucket, Closed> {
    Ok(state.bitbucket.of(tenant).await.map_err(not_told)?.on_behalf_of(Purpose::Person(person)))
}

/// Why something is not shown or done when Bitbucket does not answer.
pub fn not_told(error: Refused) -> Closed {
    match error {
        Refused::TooMany { after, .. } => Closed::TooMany(after.as_secs().max(1)),
        error => Closed::NotTold(error.to_string()),
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
    if row.used_at < now - IDLE || row.signed_at < now - ALTOGETHER {
        return Err(Closed::Over);
    }
    state.page_views.take_many((row.workspace, row.person), 1, now).map_err(|wait| {
        state.metrics.limited("pages", "person");
        Closed::TooMany(wait)
    })?;
    let installation = installation(state, row.workspace).await?;
    if let Some(repository) = row.repository {
        may_read(state, installation, repository, row.person, Proof::Before).await?;
    }
    if row.used_at < now - EXACTNESS {
        system.viewer_seen(&hash, now).await?;
    }
    let workspace = state.store.for_workspace(row.workspace);
    Ok(Viewer { handle, workspace, repository: row.repository, person: row.person, account: row.account })
}

impl Viewer {
    /// Bitbucket on behalf of the viewer.
    ///
    /// # Errors
    /// When the app is not installed any more.
    pub async fn asks(&self, state: &State) -> Result<Bitbucket, Closed> {
        asking(state, self.workspace.id(), self.person).await
    }

    /// The repositories of the workspace that the viewer may read, as Bitbucket reported within the
    /// last minutes.
    ///
    /// # Errors
    /// When it does not say.
    pub async fn readable(&self, state: &State) -> Result<Vec<Uuid>, Closed> {
        let (installation, now) = (installation(state, self.workspace.id()).await?, state.now());
        if let Some(known) = state.rights.readable(installation, self.person, now) {
            return Ok(known);
        }
        let told = self.asks(state).await?.readable_by(self.person).await.map_err(not_told)?;
        state.rights.keep_readable(installation, self.person, &told, now);
        Ok(told)
    }

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
        let bitbucket = self.asks(state).await?;
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
        let bitbucket = self.asks(state).await?;
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
