//! JSON lines over HTTPS.
//!
//! Owns the request: `POST`, one JSON object in each line, signed as webhooks commonly are.
//! Redirects are not followed.

use hmac::{Hmac, KeyInit, Mac};
use penstock_common::bitbucket::client::webhook_client;
use sha2::Sha256;

use super::AuditExportError;
use super::sinks::AuditWebhook;
use crate::hex;
use crate::store::workspace::AuditLine;

/// HMAC-SHA256 of the body in hexadecimal digits, after `sha256=`.
const SIGNATURE: &str = "x-penstock-signature-256";

pub(super) async fn send(to: &AuditWebhook, lines: &[AuditLine]) -> Result<(), AuditExportError> {
    let mut body = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut body, line)?;
        body.push(b'\n');
    }
    let client = webhook_client(&to.url, concat!("penstock-app/", env!("CARGO_PKG_VERSION")))?;
    let mut request = client.post(to.url.clone()).header("content-type", "application/x-ndjson");
    if let Some(secret) = &to.secret {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("any length");
        mac.update(&body);
        let digits = hex::encode(&mac.finalize().into_bytes());
        request = request.header(SIGNATURE, format!("sha256={digits}"));
    }
    let response = request.body(body).send().await;
    let response = response.map_err(|error| AuditExportError::Request(error.without_url().to_string()))?;
    if response.status().is_success() { Ok(()) } else { Err(AuditExportError::Status(response.status().as_u16())) }
}
