//! Identity tokens of pipeline steps.
//!
//! Owns what makes one valid. Pipelines signs it for a step (OpenID Connect); it proves repository and step, and neither branch nor commit: those are
//! asked over REST. What a token says of itself chooses nothing: its workspace is a key to look a tenant up by, issuer and key set are built from
//! that tenant's name on the fixed host, and the algorithm is RS256.

mod claims;
mod key_sets;

use jsonwebtoken::{Algorithm, Validation};
use penstock_common::bitbucket::client::{ApiUrl, Client};
use penstock_common::{Secret, Uuid};

use self::claims::{Claims, Place};
pub use self::key_sets::{KeySets, REFRESH_SECONDS};
use crate::base_url::BaseUrl;

/// How far the clocks of Pipelines and of this server may differ.
pub const LEEWAY_SECONDS: i64 = 30;
/// Most bytes of a token. Those of Pipelines have about 1,200.
const TOKEN_MAX: usize = 8 * 1024;
/// Most characters of the name of a key.
const KEY_ID_MAX: usize = 128;

/// The tenant that a token is checked for, by the app's own directory.
#[derive(Clone, Copy, Debug)]
pub struct Tenant<'a> {
    /// The workspace.
    pub workspace: Uuid,
    /// What it is called now, as far as the directory knows.
    pub slug: &'a str,
    /// Whether it takes tokens that are meant for nobody in particular, which every receiver may use against every other.
    pub takes_default_audience: bool,
}

/// A step that was verified. Nothing in here names a branch or a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepCaller {
    /// The tenant.
    pub workspace: Uuid,
    /// The one repository that it may send to and read of.
    pub repository: Uuid,
    /// The step.
    pub step: Uuid,
    /// Its pipeline, if the token names it: that is what branch and commit are confirmed by.
    pub pipeline: Option<Uuid>,
    /// The environment that it deploys to.
    pub environment: Option<Uuid>,
    /// When the token ends, in unix milliseconds.
    pub expires_at: i64,
}

/// Why a token does not hold. Nothing of the token is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No token of this kind at all.
    #[error("this is no identity token of a pipeline step")]
    Malformed,
    /// Longer than any that Pipelines makes.
    #[error("the token is too long")]
    TooLong,
    /// Another algorithm than RS256, or none.
    #[error("the token is not signed in the way that Pipelines signs (RS256)")]
    Algorithm,
    /// Made with another key, or changed.
    #[error("the token's signature does not hold")]
    Signature,
    /// Its key is not in the workspace's key set.
    #[error("the token is signed with a key that this workspace's key set does not have (any more)")]
    UnknownKey,
    /// There is no key set where it should be.
    #[error(
        "this workspace has no key set for identity tokens: it was renamed, or OpenID Connect was never used in it"
    )]
    NoKeySet,
    /// The key set could not be fetched.
    #[error("the key set of this workspace cannot be fetched from Bitbucket: try again later")]
    KeysUnavailable,
    /// A claim that is missing or makes no sense.
    #[error("the token's claim `{0}` is missing or makes no sense")]
    Claim(&'static str),
    /// Issued by, or for, another workspace.
    #[error("the token was not issued for this workspace, or before that was renamed")]
    Issuer,
    /// Another workspace.
    #[error("the token is not this workspace's")]
    Workspace,
    /// It is meant for somebody else.
    #[error("the token is meant for another receiver: give the step `oidc: {{audiences: [ADDRESS OF THIS APP]}}`")]
    Audience,
    /// Its parts contradict each other.
    #[error("the token's subject and its claims name different things")]
    Disagreement,
    /// Made in the future.
    #[error("the token is {seconds} s ahead of this server's clock: the clock must be set right")]
    Early {
        /// How far.
        seconds: i64,
    },
    /// Too old.
    #[error(
        "the token expired {seconds} s ago by this server's clock: run the step again, or set the clock right if it is wrong"
    )]
    Expired {
        /// How long ago.
        seconds: i64,
    },
    /// A body says something else than the token.
    #[error("the token is another {0}'s than the one that the run names: a step may write to its own repository only")]
    NotItsOwn(&'static str),
}

impl Refusal {
    /// Whether the workspace may be called otherwise by now: worth asking Bitbucket for its name and trying once more.
    pub fn may_be_renamed(self) -> bool {
        matches!(self, Self::Issuer | Self::NoKeySet)
    }
}

impl StepCaller {
    /// Whether a run that names these is this step's own. What it does not name is not compared.
    ///
    /// # Errors
    /// [`Refusal::NotItsOwn`].
    pub fn check(&self, repository: Option<Uuid>, pipeline: Option<Uuid>, step: Option<Uuid>) -> Result<(), Refusal> {
        let differs = |named: Option<Uuid>, own: Option<Uuid>| named.is_some_and(|named| own != Some(named));
        if differs(repository, Some(self.repository)) {
            return Err(Refusal::NotItsOwn("repository"));
        }
        if differs(pipeline, self.pipeline) {
            return Err(Refusal::NotItsOwn("pipeline"));
        }
        if differs(step, Some(self.step)) {
            return Err(Refusal::NotItsOwn("step"));
        }
        Ok(())
    }
}

/// The workspace that a token claims to be of, with nothing verified: good for looking a tenant up, and for nothing else.
///
/// # Errors
/// When the token cannot be read.
pub fn claimed_workspace(token: &Secret) -> Result<Uuid, Refusal> {
    readable(token)?;
    let claims: Place =
        jsonwebtoken::dangerous::insecure_decode_claims(token.expose()).map_err(|_| Refusal::Malformed)?;
    claims.workspace.ok_or(Refusal::Claim("workspaceUuid"))
}

/// Checks tokens.
pub struct StepTokens {
    api: ApiUrl,
    audience: BaseUrl,
    keys: KeySets,
}

impl StepTokens {
    /// `api` is the fixed address of the API and `client` a client of it, without credentials. Tokens must be meant for `audience`, our own
    /// address, or what the tenant takes beside it.
    pub fn new(api: ApiUrl, client: Client, audience: BaseUrl) -> Self {
        Self { api, audience, keys: KeySets::new(client) }
    }

    /// Checks a token for the tenant that [`claimed_workspace`] led to, at `now` (unix milliseconds).
    ///
    /// # Errors
    /// The first reason why it does not hold.
    pub async fn verify(&self, token: &Secret, tenant: Tenant<'_>, now: i64) -> Result<StepCaller, Refusal> {
        let id = key_id(token)?;
        let key = self.keys.key(tenant.slug, &id, now).await?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        use jsonwebtoken::errors::ErrorKind;
        let decoded = jsonwebtoken::decode::<Claims>(token.expose(), &key, &validation);
        let claims = decoded.map(|data| data.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => Refusal::Signature,
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Refusal::Algorithm,
            _ => Refusal::Malformed,
        })?;
        claims.check_issuer(&issuer(&self.api, tenant.slug))?;
        claims.check_workspace(tenant.workspace)?;
        claims.check_audience(&self.audience, tenant.takes_default_audience.then_some(tenant.workspace))?;
        let expires_at = claims.check_times(now)?;
        claims.caller(tenant.workspace, expires_at)
    }
}

/// Who issues the tokens of a workspace.
fn issuer(api: &ApiUrl, slug: &str) -> String {
    format!("{api}/{}", ISSUER_PATH.map(|part| if part.is_empty() { slug } else { part }).join("/"))
}

/// The path of an issuer below the API; the empty part stands for the workspace.
const ISSUER_PATH: [&str; 5] = ["workspaces", "", "pipelines-config", "identity", "oidc"];

fn readable(token: &Secret) -> Result<(), Refusal> {
    if token.expose().len() > TOKEN_MAX { Err(Refusal::TooLong) } else { Ok(()) }
}

/// The name of the key, which must be one of the set. Other ways to name a key, such as an address, are not looked at.
fn key_id(token: &Secret) -> Result<String, Refusal> {
    readable(token)?;
    let header = jsonwebtoken::decode_header(token.expose()).map_err(|_| {
        // An algorithm that the library does not know does not parse either.
        if token.expose().split('.').count() == 3 { Refusal::Algorithm } else { Refusal::Malformed }
    })?;
    if header.alg != Algorithm::RS256 || header.crit.is_some() {
        return Err(Refusal::Algorithm);
    }
    let id = header.kid.ok_or(Refusal::UnknownKey)?;
    let fits = (1..=KEY_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(id) } else { Err(Refusal::UnknownKey) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_writes_to_its_own_repository_only() {
        let uuid = |byte| Uuid::from([byte; 16]);
        let caller = StepCaller {
            workspace: uuid(1),
            repository: uuid(2),
            step: uuid(3),
            pipeline: Some(uuid(4)),
            environment: None,
            expires_at: 0,
        };
        assert_eq!(caller.check(None, None, None), Ok(()));
        assert_eq!(caller.check(Some(uuid(2)), Some(uuid(4)), Some(uuid(3))), Ok(()));
        assert_eq!(caller.check(Some(uuid(9)), None, None), Err(Refusal::NotItsOwn("repository")));
        assert_eq!(caller.check(None, Some(uuid(9)), None), Err(Refusal::NotItsOwn("pipeline")));
        assert_eq!(caller.check(None, None, Some(uuid(9))), Err(Refusal::NotItsOwn("step")));
        let nameless = StepCaller { pipeline: None, ..caller };
        assert_eq!(nameless.check(None, Some(uuid(4)), None), Err(Refusal::NotItsOwn("pipeline")));
    }

    #[test]
    fn the_issuer_is_built_from_the_fixed_host() {
        let told = issuer(&ApiUrl::default(), "acme");
        assert_eq!(told, "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc");
    }
}
