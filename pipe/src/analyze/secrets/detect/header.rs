//! Credentials of HTTP `Authorization` headers, wherever such a header is written down.
//!
//! Owns the schemes `Bearer`, `Basic`, `token` and `apikey`.

use penstock_common::Confidence;

use super::{decode, rank};
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::Promise;

const VALUE_MAX: usize = 600;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn scheme(&mut self, hit: Hit) {
        let text = self.text;
        if hit.start().checked_sub(1).is_some_and(|at| text[at].is_ascii_alphanumeric() || text[at] == b'_') {
            return;
        }
        let rest = &text[hit.end..text.len().min(hit.end + VALUE_MAX)];
        let length = rest
            .iter()
            .take_while(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b'-' | b':')
            })
            .count();
        self.effort.spend(length);
        if length < 12 {
            return;
        }
        self.effort.spend(4 * length + 48);
        let value = &rest[..length];
        let before = &text[hit.start().saturating_sub(48)..hit.start()];
        let in_header = before.windows(5).any(|w| w.eq_ignore_ascii_case(b"autho"));
        let place = hit.end..hit.end + length;
        // Text right after a token is not part of it, but may be part of a hand-written value.
        let tail = rest[length..]
            .iter()
            .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'<' | b'\\'));
        let hidden = hit.end..tail.map_or(hit.end + rest.len(), |tail| hit.end + length + tail);
        let rule = self.scanner.engine.known.header;
        if hit.keyword().text == "basic " {
            // user:password in base64, nothing else.
            let Some(decoded) = decode::base64(value) else { return };
            let Some(colon) = memchr::memchr(b':', &decoded) else { return };
            if !decode::is_text(&decoded) || colon == 0 && decoded.len() < 8 {
                return;
            }
            let context = Context {
                promise: Promise::Password,
                quote: Quote::Quoted,
                operator: Operator::Assign,
                kind: FileKind::Text,
            };
            let verdict = judge::judge(&decoded[colon + 1..], context);
            let reported = in_header && matches!(verdict, Verdict::Secret(_));
            if let Verdict::Secret(confidence) = verdict {
                self.add_within(rule, place, hidden, confidence.max(Confidence::Medium), reported, (rank::SYNTAX, 0));
            } else if decoded.len() > colon + 1 {
                self.add_within(rule, place, hidden, Confidence::Low, false, (rank::SYNTAX, 0));
            }
            return;
        }
        if hit.keyword().text != "bearer " && !in_header {
            return;
        }
        let context = Context {
            promise: Promise::Secret,
            quote: Quote::Quoted,
            operator: Operator::Assign,
            kind: FileKind::Text,
        };
        match judge::judge(value, context) {
            Verdict::Secret(confidence) => self.add_within(rule, place, hidden, confidence, true, (rank::SYNTAX, 0)),
            Verdict::Doubtful => self.add_within(rule, place, hidden, Confidence::Low, false, (rank::SYNTAX, 0)),
            Verdict::Harmless => {}
        }
    }
}
