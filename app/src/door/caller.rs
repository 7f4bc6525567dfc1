//! Who calls the API.
//!
//! Owns the two ways in for machines: the identity token of a pipeline's step, and an API token. What either may do is asked of [`Caller`], never
//! worked out anew.

use axum::http::{HeaderMap, header};
use penstock_common::{Secret, Uuid};

use super::maker::{self, MakerRight};
use super::pipelines::{self, Refusal, StepCaller, Tenant};
use super::token::{ApiToken, Scope, Scopes};
use crate::bitbucket::{Purpose, Submitter};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::state::State;
use crate::store::system::TenantState;

/// Who calls.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A step of a pipeline.
    Step(StepCaller),
    /// Somebody with an API token.
    Token {
        /// Whose.
        workspace: Uuid,
        /// The only repository that it is good for.
        repository: Option<Uuid>,
        /// Its name, for logs.
        name: String,
        /// Who made it.
        creator: String,
        /// What it may do.
        scopes: Scopes,
    },
}

impl Caller {
    /// Finds out who sent a request.
    ///
    /// # Errors
    /// When nobody knows.
    pub async fn of(state: &State, headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        if values.next().is_some() {
            return Err(Problem::unauthorized("the request has several headers `Authorization`"));
        }
        let bearer = value.and_then(|value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let Some(token) = bearer else {
            return Err(Problem::unauthorized(
                "send `Authorization: Bearer TOKEN`, with the step's identity token or an API token",
            ));
        };
        let caller = match ApiToken::parse(token) {
            Ok(token) => Self::of_token(state, &token).await?,
            Err(_) => Self::Step(step(state, &Secret::new(token)).await?),
        };
        match state.store.system().tenant(caller.workspace()).await? {
            Some(tenant) if tenant.state == TenantState::Active => Ok(caller),
            _ => Err(Problem::unauthorized("the app is not installed in this workspace")),
        }
    }

    async fn of_token(state: &State, token: &ApiToken) -> Result<Self, Problem> {
        let unknown =
            || Problem::unauthorized("the API token is not known: it was revoked, it expired, or it never was one");
        let now = state.now();
        let known = state.store.system().token_by_hash(token.hash().as_bytes(), now).await?.ok_or_else(unknown)?;
        let workspace = state.store.for_workspace(known.workspace);
        let row = workspace.token(known.token).await?.filter(|row| row.revoked_at.is_none()).ok_or_else(unknown)?;
        match maker::check(state, &workspace, &row).await? {
            MakerRight::Held => {}
            MakerRight::Lost => {
                return Err(Problem::unauthorized("the API token was revoked: its maker is no admin any more"));
            }
            MakerRight::Unknown => {
                let why =
                    "Bitbucket has not confirmed for a day that the user who created the API token is still an admin";
                return Err(Problem::unavailable(why, 60));
            }
        }
        // Once a minute is enough to see that it is used.
        if row.last_used_at.is_none_or(|used| used < now - 60_000) {
            let mut write = workspace.write().await?;
            write.token_used(known.token, now).await?;
            write.commit().await?;
        }
        let scopes = row.scopes.parse().map_err(|_| unknown())?;
        Ok(Self::Token {
            workspace: known.workspace,
            repository: row.repository,
            name: row.name,
            creator: row.creator,
            scopes,
        })
    }

    /// Whose bucket its requests come out of.
    pub fn submitter(&self) -> Submitter {
        match self {
            Self::Step(step) => Submitter::Pipeline(step.pipeline.unwrap_or(step.step)),
            Self::Token { name, .. } => Submitter::token(name),
        }
    }

    /// Whose share of memory its runs take: that of its repository, or of the token.
    pub fn sender(&self) -> Uuid {
        match (self, self.submitter()) {
            (Self::Step(step), _) => step.repository,
            (Self::Token { .. }, Submitter::Token(id)) => id.into(),
            (Self::Token { workspace, .. }, Submitter::Pipeline(_)) => *workspace,
        }
    }

    /// Takes one request out of the buckets of the tenant and of the caller itself.
    ///
    /// # Errors
    /// When one is empty: 429 with the time until it is not.
    pub fn spend(&self, state: &State) -> Result<(), Problem> {
        let now = state.now();
        let refused = |limit: &'static str, whose: &'static str| {
            move |seconds| {
                state.metrics.limited("api_requests", limit);
                Problem::too_many(format!("{whose} has sent too many requests: send fewer in a minute"), seconds)
            }
        };
        // Its own bucket first: a refused request takes nothing from the shared one.
        let own = state.callers.take_many((self.workspace(), self.submitter()), 1, now);
        own.map_err(refused("caller", "this step or token"))?;
        state.limits.take_many(self.workspace(), 1, now).map_err(refused("tenant", "this workspace"))
    }

    /// The tenant.
    pub const fn workspace(&self) -> Uuid {
        match self {
            Self::Step(step) => step.workspace,
            Self::Token { workspace, .. } => *workspace,
        }
    }

    /// May it send runs of this repository?
    ///
    /// # Errors
    /// When not.
    pub fn may_upload(&self, repository: Uuid) -> Result<(), Problem> {
        match self {
            Self::Step(step) if step.repository == repository => Ok(()),
            Self::Step(_) => Err(Problem::forbidden(Refusal::NotItsOwn("repository").to_string())),
            Self::Token { scopes, .. } => {
                self.is_for(repository)?;
                if scopes.allow(Scope::Upload) { Ok(()) } else { Err(lacks(Scope::Upload)) }
            }
        }
    }

    /// May it say by itself what a run is about?
    pub fn is_trusted_for_any_ref(&self) -> bool {
        matches!(self, Self::Token { scopes, .. } if scopes.allow(Scope::UploadAnyRef))
    }

    /// May it read of this repository?
    ///
    /// # Errors
    /// When not.
    pub fn may_read(&self, repository: Uuid) -> Result<(), Problem> {
        match self {
            Self::Step(step) if step.repository == repository => Ok(()),
            // What another repository is called is nobody's business.
            Self::Step(_) => Err(Problem::not_found("there is no such repository")),
            Self::Token { scopes, .. } => {
                self.is_for(repository)?;
                if scopes.allow(Scope::Read) { Ok(()) } else { Err(lacks(Scope::Read)) }
            }
        }
    }

    /// May it judge findings of this repository?
    ///
    /// # Errors
    /// When not.
    pub fn may_triage(&self, repository: Uuid) -> Result<(), Problem> {
        match self {
            Self::Step(_) => Err(Problem::forbidden("a step never judges findings")),
            Self::Token { scopes, .. } => {
                self.is_for(repository)?;
                if scopes.allow(Scope::Triage) { Ok(()) } else { Err(lacks(Scope::Triage)) }
            }
        }
    }

    fn is_for(&self, repository: Uuid) -> Result<(), Problem> {
        match self {
            Self::Token { repository: Some(only), .. } if *only != repository => {
                Err(Problem::not_found("there is no such repository"))
            }
            _ => Ok(()),
        }
    }
}

fn lacks(scope: Scope) -> Problem {
    Problem::forbidden(format!("the API token lacks the scope `{scope}`"))
}

async fn step(state: &State, token: &Secret) -> Result<StepCaller, Problem> {
    let refused = |why: Refusal| match why {
        Refusal::KeysUnavailable => Problem::unavailable(why.to_string(), 5),
        _ => Problem::unauthorized(why.to_string()),
    };
    let claimed = pipelines::claimed_workspace(token).map_err(refused)?;
    let nobody = || Problem::unauthorized("the app is not installed in the workspace that the token names");
    let active = state.store.system().tenant(claimed).await?.filter(|tenant| tenant.state == TenantState::Active);
    active.ok_or_else(nobody)?;
    let workspace = state.store.for_workspace(claimed);
    let known = workspace.row().await?.and_then(|row| row.slug);
    let slug = match known {
        Some(slug) => slug.into(),
        None => refreshed(state, claimed).await?,
    };
    let settings = Settings::of(&workspace, None).await?.with_operator(state.config.accepts_default_audience);
    let takes_default_audience = settings.accepts_default_audience();
    let tenant = |slug| Tenant { workspace: claimed, slug, takes_default_audience };
    let now = state.now();
    match state.step_tokens.verify(token, tenant(&slug), now).await {
        Err(why) if why.may_be_renamed() => {
            let anew = refreshed(state, claimed).await?;
            if anew == slug {
                return Err(refused(why));
            }
            state.step_tokens.verify(token, tenant(&anew), now).await.map_err(refused)
        }
        verified => verified.map_err(refused),
    }
}

/// What the workspace is called now, asked of Bitbucket.
async fn refreshed(state: &State, workspace: Uuid) -> Result<String, Problem> {
    let unavailable = |error: crate::bitbucket::Error| {
        tracing::warn!(%workspace, %error, "the workspace's name cannot be asked");
        Problem::unavailable("Bitbucket could not be asked what the workspace is called", 30)
    };
    // Nothing is proven yet.
    let bitbucket = state.bitbucket.of(workspace).await.map_err(unavailable)?.on_behalf_of(Purpose::Unproven);
    let told = bitbucket.workspace().await.map_err(unavailable)?;
    let mut write = state.store.for_workspace(workspace).write().await?;
    write.workspace(&told.slug, &told.slug, state.now()).await?;
    write.commit().await?;
    Ok(told.slug.into())
}
