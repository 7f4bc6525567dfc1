//! Installation and its end: may this secret become the installation's?
//!
//! Owns the order of proof. A callback's body is covered by no signature, so its sender can claim
//! anything, and a first installation is not signed at all. So there are two steps:
//!
//! 1. **Admission**: may the callback be considered? An installation that is known must be signed with its secret, that of the app, or
//!    Atlassian's key, also after it was uninstalled. Otherwise nothing is touched.
//! 2. **Proof**: a secret becomes active only when Bitbucket, at its fixed host, accepts a token
//!    made with that secret, and the workspace is known from more than a callback. Not even a
//!    signed callback sets a secret by itself: its token could have been replayed with another body.
//!
//! Between the two, the secret is a [`Candidate`] that waits and expires; what was active stays so.
//! A decision concerns one installation and never another one of the same workspace. It is data:
//! the directory applies it only if the row is still the one that it was based on, and otherwise
//! decides again.

mod admission;
mod body;
mod proof;

use penstock_common::{Secret, Uuid};
use subtle::ConstantTimeEq;

use self::admission::Admission;
pub use self::body::BodyError;
use self::body::{Callback, Event};
pub use self::proof::{Expected, Principal, ProofFailure, Prover};
use super::client_key::Kind;
use super::jwt::Refusal;
use super::jwt::install::{InstallKeys, KeysUnavailable};
use super::{App, ClientKey, Request};

/// How long a candidate waits, in milliseconds: unsigned, signed. Anyone can send an unsigned one,
/// and Bitbucket knows a real secret within seconds.
const WAIT: [i64; 2] = [2 * 60 * 1000, 60 * 60 * 1000];
/// How long after a failed proof the next one is tried, in milliseconds; the last one again and again.
const RETRY: [i64; 4] = [2_000, 5_000, 15_000, 60_000];

/// What the directory knows of the installation that a callback is about.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its row; uninstalled ones are kept for their secret.
    pub row: Option<Row>,
    /// Its secrets that wait for their proof.
    pub waiting: Vec<Candidate>,
}

/// An installation that was proven once.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whether it is installed now.
    pub state: State,
    /// The workspace that Bitbucket named. An installation never changes it.
    pub workspace: Uuid,
    /// What it signs with; after an uninstallation, what it must sign the next installation with.
    pub secret: Secret,
    /// When the callback that made it so was sent, in unix milliseconds. What is older comes too late.
    pub as_of: i64,
}

/// How an installation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Installed.
    Active,
    /// Uninstalled: a tombstone.
    Removed,
}

/// A secret that wants to become an installation's.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Whose.
    pub installation: ClientKey,
    /// The secret.
    pub secret: Secret,
    /// Whether its callback was signed.
    pub signed: bool,
    /// When its callback was sent, in unix milliseconds.
    pub as_of: i64,
    /// When it came, in unix milliseconds of this server.
    pub since: i64,
    /// How often its proof failed.
    pub failures: u32,
    /// The workspace that its callback named. Anybody may have written it.
    pub claimed: Option<Uuid>,
    /// Why its last proof failed: what it waits for.
    pub waits_for: Option<ProofFailure>,
}

impl Candidate {
    /// The workspace that the installation's own name says.
    fn named(&self) -> Option<Uuid> {
        match self.installation.kind() {
            Kind::Registered { account, .. } => Some(account),
            Kind::Unregistered => None,
        }
    }

    /// What is known of its workspace. `row` is what was proven before: an installation never
    /// changes its workspace.
    fn expected(&self, row: Option<&Row>) -> Expected {
        match (self.named().or(row.map(|row| row.workspace)), self.claimed) {
            (Some(workspace), _) => Expected::Known(workspace),
            (None, Some(workspace)) => Expected::Claimed(workspace),
            (None, None) => Expected::Nothing,
        }
    }

    /// When it is given up, in unix milliseconds.
    pub fn expires_at(&self) -> i64 {
        self.since.saturating_add(WAIT[usize::from(self.signed)])
    }
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The installation is proven and was not installed before, or not any more. Its candidates are done with.
    Activate {
        /// Which.
        installation: ClientKey,
        /// Whose, as Bitbucket says.
        principal: Principal,
        /// Its row from now on.
        row: Row,
    },
    /// The installation has a new secret, which is proven. Its candidates are done with.
    RotateSecret {
        /// Which.
        installation: ClientKey,
        /// Its row from now on.
        row: Row,
    },
    /// It is uninstalled: access ends at once. Its candidates are done with.
    Remove {
        /// Which.
        installation: ClientKey,
        /// Its row from now on.
        row: Row,
    },
    /// The candidate waits. Nothing else changes.
    Pending {
        /// What is kept.
        candidate: Candidate,
        /// When the proof is tried again, in unix milliseconds.
        retry_at: i64,
    },
    /// Nothing changes, and the sender is told that all is well.
    Ignore(Why),
    /// Nothing changes, and the sender is told why. A candidate that was kept is dropped.
    Refuse(Refused),
}

/// Why a callback changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It came before.
    Duplicate,
    /// A later one came before it.
    Stale,
}

/// Why a callback is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its body is not what Bitbucket sends to this app.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Its token does not hold.
    #[error(transparent)]
    Token(#[from] Refusal),
    /// Its token cannot be checked now.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    /// Nothing to sign with came.
    #[error(
        "the callback holds no shared secret, and none is configured for the app: the console of a registered app shows one"
    )]
    NoSecret,
    /// The operator serves others.
    #[error("this server is not for this workspace: its operator names the others in ALLOWED_WORKSPACES")]
    NotAllowed,
    /// Bitbucket names another account for the secret.
    #[error("Bitbucket names another account for this secret than the installation's")]
    OtherAccount,
    /// Bitbucket did not confirm it in time.
    #[error("Bitbucket did not confirm the secret in time: install the app again")]
    Unproven,
}

impl Refused {
    /// The HTTP status that says so.
    pub const fn status(self) -> u16 {
        match self {
            Self::Body(BodyError::TooLarge) => 413,
            Self::Body(_) | Self::NoSecret => 400,
            Self::Token(_) => 401,
            Self::OtherAccount | Self::Unproven | Self::NotAllowed => 403,
            Self::Keys(_) => 503,
        }
    }
}

/// What the order of proof needs of the world.
#[derive(Clone, Copy, Debug)]
pub struct Lifecycle<'a, K, P> {
    /// Who we are.
    pub app: &'a App,
    /// Atlassian's keys.
    pub keys: &'a K,
    /// Bitbucket, asked with a candidate's secret.
    pub prover: &'a P,
}

impl<K: InstallKeys + Sync, P: Prover + Sync> Lifecycle<'_, K, P> {
    /// The installation that a callback is about, for looking up what is known of it. Nothing is proven by that.
    ///
    /// # Errors
    /// When the body is not what Bitbucket sends to this app.
    pub fn subject(&self, body: &[u8]) -> Result<ClientKey, Refused> {
        Ok(Callback::parse(body, None, self.app)?.installation)
    }

    /// Considers a callback `installed` that came at `now` (unix milliseconds): the candidate that
    /// it brings, which is to be proven, or what was decided without a proof.
    ///
    /// # Errors
    /// The decision, where nothing is to be proven.
    pub async fn consider(
        &self,
        body: &[u8],
        request: &Request<'_>,
        known: &Known,
        now: i64,
    ) -> Result<Candidate, Box<Decision>> {
        match self.admit(body, request, known, now).await {
            Ok(Admission::Prove(candidate)) => Ok(candidate),
            Ok(Admission::Ignore(why)) => Err(Box::new(Decision::Ignore(why))),
            Err(refused) => Err(Box::new(Decision::Refuse(refused))),
        }
    }

    /// Tries again to prove a candidate that waits.
    pub async fn prove(&self, mut candidate: Candidate, known: &Known, now: i64) -> Decision {
        if now >= candidate.expires_at() {
            return Decision::Refuse(Refused::Unproven);
        }
        if let Some(row) = &known.row {
            if !candidate.signed {
                // It waited while another one was proven. From then on, only what is signed counts.
                return Decision::Refuse(Refusal::Missing.into());
            }
            if candidate.as_of < row.as_of {
                return Decision::Ignore(Why::Stale);
            }
        }
        let expected = candidate.expected(known.row.as_ref());
        let principal = match self.prover.principal(&candidate.installation, &candidate.secret, expected).await {
            Ok(principal) => principal,
            // Whether Bitbucket knows the secret before its callback is answered is not documented,
            // so "no" may mean "not yet". It is so until the candidate expires.
            Err(failure) => {
                candidate.waits_for = Some(failure);
                let wait = RETRY.get(candidate.failures as usize).or(RETRY.last()).copied().unwrap_or_default();
                candidate.failures = candidate.failures.saturating_add(1);
                return Decision::Pending { candidate, retry_at: now.saturating_add(wait) };
            }
        };
        self.conclude(candidate, principal, known)
    }

    /// What a proven secret means.
    fn conclude(&self, candidate: Candidate, principal: Principal, known: &Known) -> Decision {
        let named = candidate.named();
        let before = known.row.as_ref();
        if [named, before.map(|row| row.workspace)].into_iter().flatten().any(|account| account != principal.uuid) {
            return Decision::Refuse(Refused::OtherAccount);
        }
        let Candidate { installation, secret, as_of, .. } = candidate;
        let row = Row { state: State::Active, workspace: principal.uuid, secret, as_of };
        match before.map(|row| row.state) {
            Some(State::Active) => Decision::RotateSecret { installation, row },
            Some(State::Removed) | None => Decision::Activate { installation, principal, row },
        }
    }

    /// Decides about a callback `uninstalled` that came at `now` (unix milliseconds).
    pub async fn uninstalled(&self, body: &[u8], request: &Request<'_>, known: &Known, now: i64) -> Decision {
        match self.end(body, request, known, now).await {
            Ok(decision) => decision,
            Err(refused) => Decision::Refuse(refused),
        }
    }

    async fn end(&self, body: &[u8], request: &Request<'_>, known: &Known, now: i64) -> Result<Decision, Refused> {
        let callback = Callback::parse(body, Some(Event::Uninstalled), self.app)?;
        let token = request.token()?.ok_or(Refusal::Missing)?;
        // Of an installation that is not known, nothing can be verified; that looks the same from outside as a wrong signature.
        let signed = self.verify(&token, &callback.installation, known.row.as_ref(), request, now).await?;
        let Some(row) = known.row.as_ref() else { return Ok(Decision::Ignore(Why::Duplicate)) };
        Ok(match row.state {
            State::Removed => Decision::Ignore(Why::Duplicate),
            State::Active if signed.issued_at < row.as_of => Decision::Ignore(Why::Stale),
            State::Active => Decision::Remove {
                installation: callback.installation,
                row: Row { state: State::Removed, as_of: signed.issued_at, ..row.clone() },
            },
        })
    }
}

/// Whether two secrets are the same, in a time that tells nothing.
fn same(one: &Secret, other: &Secret) -> bool {
    one.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests;
