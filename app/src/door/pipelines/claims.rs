//! What a step's token says, and whether that holds now and here.
//!
//! Owns the checks of the claims. But for [`Place`], it sees them only after the signature held.

use penstock_common::Uuid;
use serde::{Deserialize, Deserializer};

use super::{LEEWAY_SECONDS, Refusal, StepCaller};
use crate::base_url::BaseUrl;

/// Beyond this (the year 5138), a time is not in seconds.
const SECONDS_MAX: i64 = 100_000_000_000;
/// Longest life that is believed. Pipelines' tokens are said to live for an hour, steps for two by default.
const LIFE_MAX_SECONDS: i64 = 24 * 60 * 60;
/// What every step's token is meant for if the step says nothing; the workspace follows, without braces.
const DEFAULT_AUDIENCE: &str = "ari:cloud:bitbucket::workspace/";

/// Where a token claims to come from.
#[derive(Deserialize)]
pub(super) struct Place {
    #[serde(rename = "workspaceUuid", default, deserialize_with = "uuid")]
    pub(super) workspace: Option<Uuid>,
}

/// The claims that count. Branch and account are not read: a token does not prove them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    iat: Option<i64>,
    exp: Option<i64>,
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "uuid")]
    workspace_uuid: Option<Uuid>,
    #[serde(default, deserialize_with = "uuid")]
    repository_uuid: Option<Uuid>,
    #[serde(default, deserialize_with = "uuid")]
    pipeline_uuid: Option<Uuid>,
    #[serde(default, deserialize_with = "uuid")]
    step_uuid: Option<Uuid>,
    #[serde(default, deserialize_with = "uuid")]
    deployment_environment_uuid: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A UUID in any spelling; what is none counts as not there.
fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Uuid>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.and_then(|text| text.parse().ok()))
}

impl Claims {
    pub(super) fn check_issuer(&self, issuer: &str) -> Result<(), Refusal> {
        match self.iss.as_deref() {
            None => Err(Refusal::Claim("iss")),
            Some(told) if told == issuer => Ok(()),
            Some(_) => Err(Refusal::Issuer),
        }
    }

    pub(super) fn check_workspace(&self, workspace: Uuid) -> Result<(), Refusal> {
        match self.workspace_uuid {
            None => Err(Refusal::Claim("workspaceUuid")),
            Some(told) if told == workspace => Ok(()),
            Some(_) => Err(Refusal::Workspace),
        }
    }

    /// Whether it is meant for `own`, or for nobody in particular if that is allowed for `by_default`.
    pub(super) fn check_audience(&self, own: &BaseUrl, by_default: Option<Uuid>) -> Result<(), Refusal> {
        let is_default = |audience: &str| {
            let told = audience.strip_prefix(DEFAULT_AUDIENCE).and_then(|uuid| uuid.parse::<Uuid>().ok());
            told.is_some() && told == by_default
        };
        let fits = |audience: &String| audience == own.as_str() || is_default(audience);
        let fits = match &self.aud {
            None => return Err(Refusal::Claim("aud")),
            Some(Audience::One(audience)) => fits(audience),
            Some(Audience::Several(audiences)) => audiences.iter().any(fits),
        };
        if fits { Ok(()) } else { Err(Refusal::Audience) }
    }

    /// When it ends, in unix milliseconds, if it may be used at `now` (unix milliseconds).
    pub(super) fn check_times(&self, now: i64) -> Result<i64, Refusal> {
        let seconds =
            |claim: Option<i64>, name| claim.filter(|at| (0..SECONDS_MAX).contains(at)).ok_or(Refusal::Claim(name));
        let now = now.div_euclid(1000);
        let issued = seconds(self.iat, "iat")?;
        let expires = seconds(self.exp, "exp")?;
        let begins = self.nbf.map_or(Ok(issued), |nbf| seconds(Some(nbf), "nbf"))?.max(issued);
        if expires <= issued {
            return Err(Refusal::Claim("exp"));
        }
        if begins > now + LEEWAY_SECONDS {
            return Err(Refusal::Early { seconds: begins - now });
        }
        let ends = expires.min(issued + LIFE_MAX_SECONDS);
        if now > ends + LEEWAY_SECONDS {
            return Err(Refusal::Expired { seconds: now - ends });
        }
        Ok(ends * 1000)
    }

    /// Whom it speaks for: `sub` is `{REPOSITORY}:{STEP}`, or `{REPOSITORY}:{ENVIRONMENT}:{STEP}`, and the claims say the same.
    pub(super) fn caller(&self, workspace: Uuid, expires_at: i64) -> Result<StepCaller, Refusal> {
        let repository = self.repository_uuid.ok_or(Refusal::Claim("repositoryUuid"))?;
        let step = self.step_uuid.ok_or(Refusal::Claim("stepUuid"))?;
        let environment = self.deployment_environment_uuid;
        let subject = self.sub.as_deref().ok_or(Refusal::Claim("sub"))?;
        let parts: Option<Vec<Uuid>> = subject.split(':').map(|part| part.parse().ok()).collect();
        let agrees = match parts.ok_or(Refusal::Claim("sub"))?.as_slice() {
            [first, last] => (*first, None, *last) == (repository, environment, step),
            [first, middle, last] => (*first, Some(*middle), *last) == (repository, environment, step),
            _ => return Err(Refusal::Claim("sub")),
        };
        if !agrees {
            return Err(Refusal::Disagreement);
        }
        Ok(StepCaller { workspace, repository, step, pipeline: self.pipeline_uuid, environment, expires_at })
    }
}
