//! A small run for tests, with one of everything that reports tell.

use penstock_common::fingerprint::FingerprintInput;
use penstock_common::gate::evaluate;
use penstock_common::measure::measure;
use penstock_common::{
    Base, BaseKind, Category, Change, CommitInfo, Comparison, Confidence, Excerpt, ExcerptLine, Finding, Location,
    Masked, Notice, Reference, Run, Severity, Skipped, Suppression, SuppressionKind, ToolRun, Validity,
};

use super::Report;
use crate::analyze::secrets::verbatim;
use crate::assess::{Layers, conditions};

pub(super) fn report(run: &Run) -> Report<'_> {
    Report { run, below_minimum: 3, color: false }
}

pub(super) fn location(path: &str, line: u32, column: u32, length: u32) -> Location {
    let path = verbatim(path);
    Location { path, start_line: line, start_column: column, end_line: line, end_column: column + length }
}

fn finding(rule: &str, title: &str, severity: Severity, location: Location) -> Finding {
    let input = FingerprintInput {
        category: "secret",
        tool: "penstock",
        rule,
        path: &location.path,
        context: "",
        ordinal: location.start_line,
    };
    Finding {
        category: Category::Secret,
        rule: verbatim(rule),
        title: verbatim(title),
        severity,
        confidence: Confidence::High,
        message: verbatim(title),
        masked: Some("••••••••".into()),
        validity: None,
        excerpt: None,
        related: Vec::new(),
        group: None,
        decoded_from: None,
        commit: None,
        references: Vec::new(),
        remediation: Some("Change it where it is used.".into()),
        fingerprints: input.fingerprints(),
        change: None,
        suppression: None,
        owners: Vec::new(),
        location,
    }
}

fn line(number: u32, text: &str, mark: Option<(u32, u32)>) -> ExcerptLine {
    ExcerptLine { number, text: verbatim(text), mark }
}

pub(super) fn run() -> Run {
    let key = Finding {
        validity: Some(Validity::ValidForm),
        message: "AWS access key (valid form)".into(),
        masked: Some("AKIA••••••••".into()),
        excerpt: Some(Excerpt {
            lines: vec![
                line(11, "# 鍵 of the build", None),
                line(12, "\tkey = \"AKIA••••••••\"", Some((8, 20))),
                line(13, "\tsecret = \"••••••••\"", None),
            ],
        }),
        related: vec![location("config/build settings.py", 13, 12, 40)],
        references: vec![Reference::Url("https://example.com/rotate".into())],
        owners: vec!["jo@example.com".into(), "@acme/build".into()],
        ..finding(
            "example-access-key",
            "AWS access key",
            Severity::Critical,
            location("config/build settings.py", 12, 9, 20),
        )
    };
    let password = |path: &str, number| Finding {
        confidence: Confidence::Medium,
        group: Some(1),
        excerpt: Some(Excerpt { lines: vec![line(number, "password: ••••••••", Some((10, 18)))] }),
        ..finding("example-password", "Password", Severity::High, location(path, number, 11, 16))
    };
    let commit = CommitInfo {
        id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
        author: "Jo Doe".into(),
        email: "jo@example.com".into(),
        date: "2026-01-02T03:04:05Z".to_owned(),
        subject: "add the deploy script".into(),
    };
    let suppressed = Finding {
        change: None,
        suppression: Some(Suppression { kind: SuppressionKind::Inline, reason: "only used in tests".into() }),
        ..finding("example-password", "Password", Severity::High, location("tests/login.py", 3, 5, 9))
    };
    let run = Run {
        schema_version: Run::SCHEMA_VERSION,
        started_at: "2026-11-23T14:05:09Z".to_owned(),
        finished_at: Some("2026-11-23T14:05:11Z".to_owned()),
        tools: vec![ToolRun {
            name: "penstock".into(),
            version: "0.1.0".into(),
            configuration: String::new(),
            scope: "tree .".into(),
            complete: false,
            files: 12,
            bytes: 1_234_567,
            skipped: vec![
                Skipped {
                    subject: "big.sql".into(),
                    reason: "its 20000000 bytes are over the limit of 10000000".into(),
                    by_limit: true,
                },
                Skipped { subject: "locked".into(), reason: "permission denied".into(), by_limit: false },
            ],
        }],
        findings: vec![
            key,
            password("config/build settings.py", 20),
            password("deploy/values.yaml", 7),
            Finding { commit: Some(commit), ..password_alone() },
            suppressed,
        ],
        subject: None,
        comparison: None,
        gate: None,
        notices: vec![Notice {
            subject: "penstock.toml:7".into(),
            text: "this suppression matches no finding; it can be removed".into(),
        }],
        metrics: None,
    };
    judged(run)
}

/// The run with its gate.
fn judged(mut run: Run) -> Run {
    let conditions = conditions(&Layers::default(), run.comparison.is_some()).all;
    run.gate = Some(evaluate(&conditions, &measure(&run.findings, run.comparison.as_ref())));
    run
}

/// The run as the review of a change: one finding of each kind.
pub(super) fn compared() -> Run {
    let mut run = run();
    for finding in &mut run.findings {
        finding.change = Some(Change::Existing);
    }
    run.findings[0].change = Some(Change::New);
    run.findings[4].change = Some(Change::New);
    let gone = |line| finding("example-token", "Token", Severity::Medium, location("src/main.rs", line, 5, 9));
    let mut leaked = run.findings[3].clone();
    leaked.change = None;
    leaked.message = "removed in fedcba987654, still leaked: revoke it (Password)".into();
    run.comparison = Some(Comparison {
        base: Base {
            kind: BaseKind::MergeBase,
            commit: Some("89abcdef0123456789abcdef0123456789abcdef".to_owned()),
            reason: "merge base with `main`".into(),
            hint: Masked::EMPTY,
        },
        fixed: vec![gone(3), gone(4)],
        leaked: vec![leaked],
        policy_changes: vec!["`scan.exclude` gains `secrets/**`".into()],
        unread: Some(0),
    });
    judged(run)
}

fn password_alone() -> Finding {
    Finding {
        decoded_from: Some("base64".into()),
        ..finding("example-password", "Password", Severity::Low, location("old/deploy.sh", 2, 1, 4))
    }
}

/// The run with `text` in every field that can hold text.
pub(super) fn with_text_everywhere(text: &str) -> Run {
    let mut run = compared();
    let put = || verbatim(text);
    if let Some(Comparison { base, policy_changes, .. }) = &mut run.comparison {
        (base.commit, base.reason, base.hint) = (Some(text.to_owned()), put(), put());
        *policy_changes = vec![put()];
    }
    run.notices.iter_mut().for_each(|notice| (notice.subject, notice.text) = (put(), put()));
    run.gate.iter_mut().flat_map(|gate| &mut gate.conditions).for_each(|one| one.reason = put());
    let Run { findings, comparison, .. } = &mut run;
    let lists = comparison.iter_mut().flat_map(|one| [&mut one.fixed, &mut one.leaked]).flatten();
    for finding in findings.iter_mut().chain(lists) {
        finding.rule = put();
        finding.title = put();
        finding.message = verbatim(&format!("{text}."));
        finding.location.path = put();
        finding.masked = Some(put());
        finding.decoded_from = Some(put());
        finding.references = vec![Reference::Url(put()), Reference::Cwe(put()), Reference::Cve(put())];
        finding.remediation = Some(put());
        finding.owners = vec![put(), put()];
        finding.related.iter_mut().for_each(|place| place.path = put());
        for line in finding.excerpt.iter_mut().flat_map(|excerpt| &mut excerpt.lines) {
            line.text = put();
        }
        if let Some(commit) = &mut finding.commit {
            *commit =
                CommitInfo { id: text.to_owned(), author: put(), email: put(), date: text.to_owned(), subject: put() };
        }
        if let Some(suppression) = &mut finding.suppression {
            suppression.reason = put();
        }
    }
    for tool in &mut run.tools {
        (tool.name, tool.version, tool.scope) = (put(), put(), put());
        text.clone_into(&mut tool.configuration);
        tool.skipped.iter_mut().for_each(|one| (one.subject, one.reason) = (put(), put()));
    }
    text.clone_into(&mut run.started_at);
    run.finished_at = Some(text.to_owned());
    run
}
