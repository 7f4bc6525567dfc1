//! Secrets among the arguments of functions that log in, connect or make keys.
//!
//! Owns choosing the argument. Names of hosts, users and databases stand beside the secret, so only what is surely no word counts.

use penstock_common::Confidence;

use super::{phrase, rank};
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::Promise;

const REACH: usize = 320;

fn to_line_end(text: &[u8]) -> usize {
    memchr::memchr(b'\n', text).unwrap_or(text.len())
}

/// Functions whose only argument is the key.
const KEYS: &[&str] = &[
    "secretkeyspec(",
    "fernet(",
    "securitykey(",
    "cookiestore(",
    ":auth(",
    ".auth(",
    "set_password(",
    "keystore.load(",
];
/// Functions of browsers' drivers: what is typed counts if the line speaks of a password.
const TYPING: &[&str] = &["send_keys(", ".type(", ".typetext(", ".fill(", "fill_in "];
/// Functions of tokens: the key is a random text.
const SIGNING: &[&str] = &["jwt.sign(", "jwt.encode(", "jwt.verify(", "jwt.decode(", "aes_decrypt(", "aes_encrypt("];

impl Pass<'_, '_, '_> {
    pub(in super::super) fn call(&mut self, hit: Hit) {
        let keyword = hit.keyword().text;
        if keyword.contains("connect(") && self.oracle(hit) {
            return;
        }
        let end = self.text.len().min(hit.end + REACH);
        self.effort.spend(to_line_end(&self.text[hit.end..end]));
        let arguments = phrase::quoted_arguments(self.text, hit.end, end, self.notation);
        if arguments.is_empty() {
            return;
        }
        let line = &self.text[crate::analyze::secrets::extent::line_start(self.text, hit.start())..hit.start()];
        let typing = TYPING.contains(&keyword);
        let end_of_line = memchr::memchr(b'\n', &self.text[hit.end..end]).map_or(end, |at| hit.end + at);
        let around = &self.text[hit.start() - line.len()..end_of_line];
        if typing && !around.to_ascii_lowercase().windows(4).any(|word| word == b"pass") {
            return;
        }
        let single = KEYS.contains(&keyword) || typing;
        let promise = if SIGNING.contains(&keyword) { Promise::Secret } else { Promise::Password };
        let first = usize::from(!single);
        for (position, argument) in arguments {
            // The first argument of a log-in is the user, of a connection the host.
            if position < first {
                continue;
            }
            let value = argument.value;
            let slice = &self.text[value.clone()];
            if !judge::is_surely_no_word(slice) {
                continue;
            }
            let context = Context { promise, quote: Quote::Quoted, operator: Operator::Argument, kind: FileKind::Text };
            if let Verdict::Secret(confidence) = judge::judge(slice, context)
                && confidence >= Confidence::Medium
            {
                let known = &self.scanner.engine.known;
                let rule = if promise == Promise::Secret { known.token } else { known.password };
                let hidden = value.start..argument.longest;
                self.add_within(rule, value, hidden, Confidence::Medium, true, (rank::SYNTAX, 0));
                return;
            }
        }
    }
}
