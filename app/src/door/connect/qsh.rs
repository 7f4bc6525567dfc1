//! The query-string hash: what binds a token to one request.
//!
//! Owns the canonical form of method, path and query, and its hash, after Atlassian's "Creating a query string hash". It is pure and knows
//! nothing of tokens. The body of a request is not part of the hash: whoever acts on a body must not trust the token alone.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use sha2::{Digest, Sha256};

use crate::hex;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parameter that carries the token, and therefore cannot be covered by it.
pub const TOKEN_PARAMETER: &[u8] = b"jwt";

/// By what names and values are sorted. The implementations disagree where reserved or non-ASCII characters are compared with plain ones.
/// Each order names the same parameters, so it is safe to accept them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Names and values as they are encoded: the specification.
    Encoded,
    /// Names as they are encoded, values as they are decoded: Atlassian's Python library.
    ValuesDecoded,
    /// Both as they are decoded: Atlassian's JavaScript library.
    Decoded,
}

impl Order {
    /// Every order that is accepted, the specification first.
    pub const ALL: [Self; 3] = [Self::Encoded, Self::ValuesDecoded, Self::Decoded];
}

/// The parameters of a raw query (without `?`), decoded, in the order in which they stand. What is no valid percent escape is taken as it stands.
pub fn parameters(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (decode(name), decode(value))
    })
}

/// What is hashed. `path` is raw, not decoded, and already without the base path; `query` is raw, without `?`.
pub fn canonical(method: &str, path: &str, query: &str, order: Order) -> String {
    format!("{}&{}&{}", method.to_ascii_uppercase(), canonical_path(path), canonical_query(query, order))
}

/// The hash of a request: 64 lower-case hexadecimal digits.
pub fn hash(method: &str, path: &str, query: &str, order: Order) -> String {
    let digest = Sha256::digest(canonical(method, path, query, order));
    hex::encode(&digest)
}

fn canonical_path(path: &str) -> String {
    let path = path.replace('&', "%26");
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    match path.strip_suffix('/') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => path,
    }
}

fn canonical_query(query: &str, order: Order) -> String {
    // By what it is sorted, and how it is written.
    let key = |text: Vec<u8>, by_decoded: bool| {
        let encoded = encode(&text);
        (if by_decoded { text } else { encoded.clone().into_bytes() }, encoded)
    };
    let mut pairs: Vec<_> = parameters(query)
        .filter(|(name, _)| name != TOKEN_PARAMETER)
        .map(|(name, value)| (key(name, order == Order::Decoded), key(value, order != Order::Encoded)))
        .collect();
    pairs.sort();
    let names: Vec<_> = pairs
        .chunk_by(|one, next| one.0 == next.0)
        .map(|same| {
            let values: Vec<_> = same.iter().map(|(_, (_, value))| value.as_str()).collect();
            format!("{}={}", same[0].0.1, values.join(","))
        })
        .collect();
    names.join("&")
}

fn encode(text: &[u8]) -> String {
    percent_encode(text, RESERVED).to_string()
}

fn decode(text: &str) -> Vec<u8> {
    let spaced: Cow<'_, str> = if text.contains('+') { text.replace('+', " ").into() } else { text.into() };
    percent_decode(spaced.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
