//! The engine and what it tells, on any bytes under any path: the first line of the input is the path, the rest the content.
//!
//! Whatever it is, candidates lie within the text and in order, and no finding shows what it hides.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use penstock::analyze::secrets::{Engine, Reporter};
use penstock::checkout::content::{self, Content};
use penstock::checkout::{Item, path};
use penstock_common::redact::DOTS;
use penstock_common::{Confidence, Finding};

/// Shorter secrets may well stand somewhere by chance.
const LONG: usize = 8;

fuzz_target!(|input: &[u8]| {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Engine::new([7; 16], 1_767_322_800, &[]));
    let (name, bytes) = match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (&b"file"[..], input),
    };
    let mut scanner = engine.scanner();
    let content = content::recognise(bytes);
    let text: &[u8] = match &content {
        Content::Text(text) => text,
        Content::Binary(bytes) => bytes,
    };
    let candidates = match &content {
        Content::Text(text) => scanner.scan(Some(name), text),
        Content::Binary(bytes) => scanner.scan_binary(name, bytes),
    };
    assert!(candidates.iter().all(|c| c.secret.start <= c.secret.end && c.secret.end <= text.len()), "outside of the text");
    assert!(candidates.is_sorted_by_key(|c| c.secret.start), "not in order");
    let secrets: Vec<String> = candidates
        .iter()
        .filter(|c| c.reported && c.secret.len() >= LONG)
        .map(|c| &text[c.secret.clone()])
        .map(|secret| (secret, path::display(secret)))
        // What is shown escaped may stand elsewhere just so; what holds a mask's own dots may arise by masking.
        .filter(|(secret, shown)| shown.as_bytes() == *secret && !shown.contains('•'))
        .map(|(_, shown)| shown)
        .collect();

    let mut reporter = Reporter::new(Confidence::Low);
    reporter.scan(&mut scanner, &Item { path: name, bytes, lines: None, commit: None });
    for found in &reporter.found {
        for said in said(&found.finding) {
            for secret in &secrets {
                assert!(!said.replace(DOTS, "\n").contains(secret), "{secret:?} is shown: {said:?}");
            }
        }
    }
});

/// What a finding says that comes from the content.
fn said(finding: &Finding) -> impl Iterator<Item = &str> {
    let excerpt = finding.excerpt.iter().flat_map(|excerpt| excerpt.lines.iter().map(|line| line.text.as_str()));
    let allowed = finding.suppression.iter().map(|suppression| suppression.reason.as_str());
    excerpt.chain(allowed)
}
