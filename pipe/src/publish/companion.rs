//! The companion app.
//!
//! Owns to whom the run and a token may go: to the address that the environment names, by https, and the step's identity token only if it was made
//! for that address alone. The format is `penstock_common::upload::v1`.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use penstock_common::bitbucket::client::{Access, ApiUrl, Auth, Client, Method};
use penstock_common::delivery::Outcome;
use penstock_common::plain;
use penstock_common::upload::answer::Answer;
use penstock_common::upload::v1::{IDEMPOTENCY_HEADER, MEDIA_TYPE, PATH, Upload};
use penstock_common::{Delivery, Run, Secret, masked};
use serde::Deserialize;

use super::{Plan, Sent, Stop};
use crate::analyze::secrets::{BuiltIn, mask};

/// How the audience of every identity token begins that is made for no service in particular: others may take it too.
const WORKSPACE_AUDIENCE: &str = "ari:cloud:bitbucket::workspace/";
/// How long telling the app what came of it may take.
const TELLING: Duration = Duration::from_secs(5);
/// Longest audience that Pipelines takes.
const AUDIENCE_MAX: usize = 150;

pub(super) async fn publish(plan: &Plan, run: &Run, time: Duration) -> Sent {
    match send(plan, run, time).await {
        Ok((detail, answer)) => {
            Sent { outcome: Outcome::Published { detail: mask(&detail) }, unreachable: false, answer }
        }
        Err(stop) => Sent { outcome: stop.outcome, unreachable: stop.unreachable, answer: None },
    }
}

/// Tells the app what came of all destinations, for its delivery log. That this fails changes nothing.
pub(super) async fn tell(plan: &Plan, run: &str, deliveries: &[Delivery]) {
    let told = async {
        let client = client(plan)?.within(TELLING);
        let body = serde_json::to_vec(deliveries).map_err(|error| Stop::failed(error.to_string(), ""))?;
        let request = client
            .request(Method::POST, PATH.into_iter().chain([run, "deliveries"]))?
            .body_of_kind(body, MEDIA_TYPE)
            .repeatable();
        client.send(&request).await?;
        Ok::<(), Stop>(())
    };
    let _ = told.await;
}

fn client(plan: &Plan) -> Result<Client, Stop> {
    let Some(address) = plan.companion.url.as_deref() else {
        return Err(Stop::skipped("no companion app is set", "set `COMPANION_URL` to its address, if there is one"));
    };
    let api =
        ApiUrl::parse(address).map_err(|error| Stop::failed(format!("`COMPANION_URL` cannot be used: {error}"), ""))?;
    let token = token(plan, address)?;
    let access = Access::Direct {
        api,
        auth: Auth::AccessToken(token),
        proxy: plan.connection.proxy.clone(),
        roots: plan.connection.roots.clone(),
    };
    plan.client(&access).map_err(|error| Stop::from(&error))
}

/// What stands there now in one sentence, and what the app says of the run.
async fn send(plan: &Plan, run: &Run, time: Duration) -> Result<(String, Option<Answer>), Stop> {
    let client = client(plan)?.within(time);
    let run = Run { subject: Some(plan.subject.clone()), ..run.clone() };
    let upload = Upload::new(run, plan.name.clone(), plan.step_run_number, Vec::new());
    let unsent = |error: &dyn std::error::Error| Stop::failed(format!("the run cannot be sent: {error}"), "");
    let body = upload.to_bytes().map_err(|error| unsent(&error))?;
    let key = upload.idempotency_key(&body);
    let compressed = gzip(&body).map_err(|error| unsent(&error))?;
    let request = client
        .request(Method::POST, PATH)?
        .body_of_kind(compressed, MEDIA_TYPE)
        .header("content-encoding", "gzip")
        .header(IDEMPOTENCY_HEADER, &key)
        .repeatable();
    let told = client.send(&request).await?;
    // An older app says less.
    let answer: Option<Answer> = masked::read(&told.body, &mut BuiltIn::default()).ok().map(|(answer, _)| answer);
    let note = match answer.as_ref().map(|answer| (answer.state, answer.note.as_str())) {
        None | Some((_, "")) => String::new(),
        Some((_, note)) => format!(": {}", plain::line(note)),
    };
    Ok((format!("the run was sent to {}{note}", client.host()), answer))
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

/// The token that may go to `address`.
fn token(plan: &Plan, address: &str) -> Result<Secret, Stop> {
    let companion = &plan.companion;
    if let Some(token) = &companion.token {
        return Ok(token.clone());
    }
    let shown = plain::cut(address.trim_end_matches('/'), AUDIENCE_MAX);
    let remedy =
        format!("give the step an identity for it, `oidc: {{audiences: [\"{shown}\"]}}`, or set `COMPANION_TOKEN`");
    let Some(identity) = &companion.identity else {
        return Err(Stop::skipped("there is no token for it", remedy));
    };
    let audiences = audiences(identity.expose());
    if audiences.iter().any(|audience| audience.starts_with(WORKSPACE_AUDIENCE)) {
        return Err(Stop::skipped(
            "the step's identity is not for it alone: other services of the workspace take it",
            remedy,
        ));
    }
    if !audiences.iter().any(|audience| audience.trim_end_matches('/') == address.trim_end_matches('/')) {
        return Err(Stop::skipped("the step's identity is not for it", remedy));
    }
    Ok(identity.clone())
}

/// For whom an identity token was made. It is not verified: it is our own, and whoever gets it will.
fn audiences(token: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Claims {
        aud: Audience,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
    match claims.and_then(|claims| serde_json::from_slice(&claims).ok()) {
        Some(Claims { aud: Audience::One(one) }) => vec![one],
        Some(Claims { aud: Audience::Many(many) }) => many,
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_claims(claims: &str) -> String {
        format!("head.{}.signature", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn audiences_are_read_in_both_forms() {
        assert_eq!(audiences(&with_claims(r#"{"aud":"a","sub":"s"}"#)), ["a"]);
        assert_eq!(audiences(&with_claims(r#"{"aud":["a","b"]}"#)), ["a", "b"]);
        for token in ["", "a.b.c", "a..c", &with_claims("{}"), &with_claims(r#"{"aud":1}"#), &with_claims("[")] {
            assert!(audiences(token).is_empty(), "{token}");
        }
    }
}
