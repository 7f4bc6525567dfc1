use penstock_common::{Confidence, FingerprintInput, Location, Severity};

use super::*;
use crate::analyze::secrets::mask;

const TODAY: Date = Date::constant(2026, 11, 25);

fn finding(rule: &str, path: &str, change: Option<Change>) -> Finding {
    let input = FingerprintInput { category: "secret", tool: "penstock", rule, path, context: "", ordinal: 0 };
    Finding {
        category: Category::Secret,
        rule: mask(rule),
        title: Masked::EMPTY,
        severity: Severity::High,
        confidence: Confidence::High,
        message: Masked::EMPTY,
        fingerprints: input.fingerprints(),
        location: Location { path: mask(path), start_line: 1, start_column: 1, end_line: 1, end_column: 2 },
        masked: None,
        validity: None,
        excerpt: None,
        related: Vec::new(),
        group: None,
        decoded_from: None,
        commit: None,
        references: Vec::new(),
        remediation: None,
        change,
        suppression: None,
        owners: Vec::new(),
    }
}

fn entry() -> Suppress {
    Suppress { reason: "known".to_owned(), place: "penstock.toml:3".to_owned(), ..Suppress::default() }
}

/// Which findings are active, and what is told.
fn told(entries: &[Suppress], findings: &mut [Finding], proof: Proof) -> (Vec<bool>, Vec<String>) {
    let notices = suppress(entries, findings, proof, TODAY, &|given, rule| given == rule, &mask);
    let told = notices.into_iter().map(|notice| format!("{}: {}", notice.subject, notice.text)).collect();
    (findings.iter().map(Finding::is_active).collect(), told)
}

#[test]
fn all_that_an_entry_names_must_hold() {
    let mut findings = [finding("a", "tests/x", None), finding("a", "src/x", None), finding("b", "tests/x", None)];
    let both = Suppress { rule: Some("a".to_owned()), path: Some("tests/**".to_owned()), ..entry() };
    assert_eq!(told(&[both], &mut findings, Proof::Compared), (vec![false, true, true], vec![]));
    let suppression = findings[0].suppression.as_ref().expect("suppressed");
    assert_eq!((suppression.kind, suppression.reason.as_str()), (SuppressionKind::Configuration, "known"));
}

#[test]
fn what_is_over_or_means_nothing_is_told() {
    let mut findings = [finding("a", "x", None)];
    let over = Suppress { rule: Some("a".to_owned()), until: Some(Date::constant(2026, 11, 24)), ..entry() };
    let last_day = Suppress { rule: Some("a".to_owned()), until: Some(TODAY), ..entry() };
    let nothing = Suppress { rule: Some("b".to_owned()), ..entry() };
    let (active, notices) = told(&[over, nothing], &mut findings, Proof::Compared);
    assert_eq!(active, [true]);
    assert_eq!(
        notices,
        [
            "penstock.toml:3: this suppression expired on 2026-11-24; the findings that it matched count again",
            "penstock.toml:3: this suppression matches no finding; it can be removed",
        ]
    );
    assert_eq!(told(&[last_day], &mut findings, Proof::Compared), (vec![false], vec![]));
}

#[test]
fn a_fingerprint_means_a_secret_only_while_its_value_stands_in_the_base() {
    let by_fingerprint =
        |finding: &Finding| Suppress { fingerprint: Some(finding.fingerprints.primary.as_str().to_owned()), ..entry() };
    for (change, proof, active) in [
        (Some(Change::Existing), Proof::Compared, false),
        (Some(Change::New), Proof::Compared, true),
        (None, Proof::NotNeeded, false),
        (None, Proof::Missing, true),
    ] {
        let mut findings = [finding("a", "x", change)];
        let entries = [by_fingerprint(&findings[0])];
        let (told_active, notices) = told(&entries, &mut findings, proof);
        assert_eq!((told_active, notices.len()), (vec![active], usize::from(active)), "{change:?} {proof:?}");
    }
}

#[test]
fn an_ignored_place_does_not_hide_another_secret() {
    let ignored = |change| Finding {
        suppression: Some(Suppression { kind: SuppressionKind::GitleaksIgnore, reason: Masked::EMPTY }),
        ..finding("a", "x", Some(change))
    };
    let mut findings = [ignored(Change::Existing), ignored(Change::New)];
    lift(&mut findings, Proof::Compared);
    assert_eq!(findings.map(|finding| finding.is_active()), [false, true]);
}
