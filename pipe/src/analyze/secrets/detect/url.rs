//! Credentials in the authority of a URL: `scheme://user:password@host`.
//!
//! Owns splitting the authority; whether the password is one is judged like any other.

use penstock_common::Confidence;

use super::rank;
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::Promise;

const AUTHORITY_MAX: usize = 320;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn url(&mut self, hit: Hit) {
        let text = self.text;
        let end = text.len().min(hit.end + AUTHORITY_MAX);
        let rest = &text[hit.end..end];
        // The quote before the scheme closes the address.
        let scheme = text[..hit.start()].iter().rev().take(24).take_while(|b| is_scheme(**b)).count();
        let before = (hit.start() - scheme).checked_sub(1).map_or(0, |at| text[at]);
        let ends = |b: &u8| {
            matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'`' | b'<' | b'>')
                || *b == b'\'' && !matches!(before, b'=' | b':')
        };
        let address = &rest[..rest.iter().position(ends).unwrap_or(rest.len())];
        let authority =
            &address[..address.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b'\\')).unwrap_or(address.len())];
        let Some(at) = memchr::memrchr(b'@', authority) else { return };
        let host = &authority[at + 1..];
        if host.is_empty() || !(host[0].is_ascii_alphanumeric() || matches!(host[0], b'$' | b'{' | b'[' | b'%' | b'*'))
        {
            return;
        }
        let user_info = &authority[..at];
        let (user, password) = match memchr::memchr(b':', user_info) {
            Some(colon) => (&user_info[..colon], hit.end + colon + 1..hit.end + at),
            // A token alone, as `https://TOKEN@host`.
            None => (&user_info[..0], hit.end..hit.end + at),
        };
        // Parsers that end the user info at the last `@` read slashes before it as part of the
        // password. `/@scope` is not such an end.
        let last = (at + 1..address.len()).rev().find(|&end| address[end] == b'@' && address[end - 1] != b'/');
        let hidden = password.start..last.map_or(password.end, |end| hit.end + end);
        let value = &text[password.clone()];
        let alone = user_info.len() == value.len();
        let promise = if alone { Promise::Secret } else { Promise::Password };
        if value.len() < 4 || value == user || (alone && value.len() < 20) {
            return;
        }
        // `http://host:80,name@mail` and `(http://host:80)(name@mail`: user info contains no list.
        if !alone && is_port(value) {
            return;
        }
        let context = Context { promise, quote: Quote::Quoted, operator: Operator::Assign, kind: FileKind::Text };
        let rule = self.scanner.engine.known.url;
        match judge::judge(value, context) {
            Verdict::Secret(confidence) => {
                let documented = host.starts_with(b"example.")
                    || memchr::memmem::find(host, b".example").is_some()
                    || memchr::memmem::find(host, b"example.com").is_some();
                let confidence = if documented { Confidence::Low } else { confidence };
                self.add_within(rule, password, hidden, confidence, true, (rank::SYNTAX, 0));
            }
            Verdict::Doubtful => self.add_within(rule, password, hidden, Confidence::Low, false, (rank::SYNTAX, 0)),
            Verdict::Harmless => {}
        }
    }
}

fn is_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Whether the digits of a port and then the separator of a list begin `value`.
fn is_port(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    (2..=5).contains(&digits) && matches!(value.get(digits), Some(b',' | b'(' | b'|' | b')' | b'\''))
}
