//! Kubernetes manifests of kind `Secret`: base64 under `data:`, plain text under `stringData:`.
//!
//! Owns finding the block that belongs to the manifest. Works on lines, because manifests are often templates that no YAML parser takes.

use std::ops::Range;

use penstock_common::Confidence;

use super::{decode, rank};
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::judge::placeholder;
use crate::analyze::secrets::keywords::Hit;

/// How far a manifest reaches around its kind.
const REACH: usize = 32 * 1024;

impl Pass<'_, '_, '_> {
    pub(super) fn kubernetes(&mut self, hit: Hit) {
        // `kind: SecretStore` and the like are other things.
        if self.text.get(hit.end).is_some_and(u8::is_ascii_alphanumeric) {
            return;
        }
        // Read each manifest once, no matter how often it names its kind.
        if hit.start() < self.manifests {
            return;
        }
        let document = document_around(self.text, hit.start());
        let document = document.start.max(self.manifests)..document.end;
        self.manifests = document.end;
        self.effort.spend(document.len());
        let mut block: Option<(usize, bool)> = None;
        let mut at = document.start;
        while at < document.end {
            let end = memchr::memchr(b'\n', &self.text[at..document.end]).map_or(document.end, |found| at + found);
            let line = at..end;
            at = end + 1;
            let text = self.text[line.clone()].trim_ascii_end();
            let indent = text.iter().take_while(|b| **b == b' ').count();
            let body = &text[indent..];
            if body.is_empty() || body[0] == b'#' {
                continue;
            }
            if block.is_some_and(|(outer, _)| indent <= outer) {
                block = None;
            }
            match body {
                b"data:" | b"\"data\": {" => block = Some((indent, true)),
                b"stringData:" | b"\"stringData\": {" => block = Some((indent, false)),
                _ => {
                    if let Some((_, encoded)) = block {
                        self.entry(line.start + indent..line.start + indent + body.len(), encoded);
                    }
                }
            }
        }
    }

    /// `name: value` within the block.
    fn entry(&mut self, line: Range<usize>, encoded: bool) {
        let text = &self.text[line.clone()];
        let Some(colon) = memchr::memmem::find(text, b": ") else { return };
        let mut start = line.start + colon + 2;
        let mut end = line.end;
        while start < end && matches!(self.text[start], b' ' | b'"' | b'\'') {
            start += 1;
        }
        while end > start && matches!(self.text[end - 1], b' ' | b'"' | b'\'' | b',') {
            end -= 1;
        }
        let value = &self.text[start..end];
        if value.len() < 8 || placeholder::is_reference(value, true) {
            return;
        }
        let rule = self.scanner.engine.known.kubernetes;
        if !encoded {
            // Plain text goes the way of any other assignment; only long random values count by the block alone.
            return;
        }
        let Some(decoded) = decode::base64(value) else { return };
        let harmless = decoded.len() < 6 || placeholder::is_reference(&decoded, false);
        if harmless {
            return;
        }
        let telling = !placeholder::is_placeholder(&decoded) && decode::is_text(&decoded);
        self.add(rule, start..end, Confidence::Medium, telling, (rank::SYNTAX, 0));
    }
}

/// The YAML document around `at`, bounded.
fn document_around(text: &[u8], at: usize) -> Range<usize> {
    let floor = at.saturating_sub(REACH);
    let ceiling = text.len().min(at + REACH);
    let start = memchr::memmem::rfind(&text[floor..at], b"\n---").map_or(floor, |found| floor + found + 1);
    let end = memchr::memmem::find(&text[at..ceiling], b"\n---").map_or(ceiling, |found| at + found);
    start..end
}
