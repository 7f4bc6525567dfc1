//! May a callback be considered?
//!
//! Owns the signatures that count for callbacks. It makes candidates and no decisions; how many may
//! wait is decided by the store.

use penstock_common::Secret;

use super::body::{Callback, Event};
use super::{Candidate, Known, Lifecycle, Prover, Refused, Row, State, Why, same};
use crate::door::connect::client_key::Kind;
use crate::door::connect::jwt::install::{self, InstallKeys, KeyId};
use crate::door::connect::jwt::{LEEWAY_SECONDS, Refusal, Verified, inbound};
use crate::door::connect::{ClientKey, Request};

/// What becomes of a callback `installed` before anything is proven.
pub(super) enum Admission {
    Ignore(Why),
    Prove(Candidate),
}

impl<K: InstallKeys + Sync, P: Prover + Sync> Lifecycle<'_, K, P> {
    pub(super) async fn admit(
        &self,
        body: &[u8],
        request: &Request<'_>,
        known: &Known,
        now: i64,
    ) -> Result<Admission, Refused> {
        let callback = Callback::parse(body, Some(Event::Installed), self.app)?;
        let row = known.row.as_ref();
        let secret =
            callback.secret.or_else(|| self.app_secret(&callback.installation).cloned()).ok_or(Refused::NoSecret)?;
        let is_active = row.is_some_and(|row| row.state == State::Active && same(&row.secret, &secret));
        let signed = match self.signature(&callback.installation, row, request, now).await {
            Ok(signed) => signed,
            // It brings what we have, so it came before: the first one is not signed, and later ones with the secret before theirs.
            Err(_) if is_active => return Ok(Admission::Ignore(Why::Duplicate)),
            Err(refused) => return Err(refused),
        };
        if let (Some(signed), Some(row)) = (&signed, row) {
            if signed.issued_at < row.as_of {
                return Ok(Admission::Ignore(Why::Stale));
            }
            if signed.issued_at == row.as_of && is_active {
                return Ok(Admission::Ignore(Why::Duplicate));
            }
        }
        if known.waiting.iter().any(|waiting| same(&waiting.secret, &secret) && waiting.signed >= signed.is_some()) {
            return Ok(Admission::Ignore(Why::Duplicate));
        }
        Ok(Admission::Prove(Candidate {
            installation: callback.installation,
            secret,
            signed: signed.is_some(),
            // The clocks may differ; what Bitbucket sends next must not look older than this.
            as_of: signed.map_or(now.saturating_sub(LEEWAY_SECONDS * 1000), |signed| signed.issued_at),
            since: now,
            failures: 0,
            claimed: callback.claimed,
            waits_for: None,
        }))
    }

    /// What holds of the signature of `installed`: `None` for one that need not be signed and is not.
    async fn signature(
        &self,
        installation: &ClientKey,
        row: Option<&Row>,
        request: &Request<'_>,
        now: i64,
    ) -> Result<Option<Verified>, Refused> {
        let must = row.is_some() || self.app_secret(installation).is_some();
        match request.token()? {
            None if must => Err(Refusal::Missing.into()),
            None => Ok(None),
            // A token of an installation that nobody knows can be made by anybody, unless Atlassian's key made it.
            Some(token) if !must && KeyId::of(&token)?.is_none() => Ok(None),
            Some(token) => self.verify(&token, installation, row, request, now).await.map(Some),
        }
    }

    /// Checks the token of a callback with whatever may sign it. Which that is, the token does not choose: one that names a key is never
    /// checked with a secret, and the other way round.
    pub(super) async fn verify(
        &self,
        token: &Secret,
        installation: &ClientKey,
        row: Option<&Row>,
        request: &Request<'_>,
        now: i64,
    ) -> Result<Verified, Refused> {
        let base = &self.app.base;
        if let Some(id) = KeyId::of(token)? {
            let key = self.keys.key(&id).await?.ok_or(Refusal::UnknownKey)?;
            return Ok(install::verify(token, installation, &key, request, base, now)?);
        }
        let mut verified = Err(Refusal::Signature);
        for secret in [row.map(|row| &row.secret), self.app_secret(installation)].into_iter().flatten() {
            verified = inbound::verify(token, installation, secret, request, base, now);
            if verified != Err(Refusal::Signature) {
                break;
            }
        }
        Ok(verified?)
    }

    /// The secret that Atlassian's console shows, for an installation that it counts for.
    fn app_secret(&self, installation: &ClientKey) -> Option<&Secret> {
        self.app.secret.as_ref().filter(|_| matches!(installation.kind(), Kind::Registered { .. }))
    }
}
