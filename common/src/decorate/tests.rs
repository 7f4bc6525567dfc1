//! What posts promise, for any run whatever it holds.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::comment::{COMMENT_MAX, Step, at_lines, comment};
use super::links::BITBUCKET;
use super::report::{Insight, reports};
use super::status::status;
use super::{Context, Counted, Standing, verdict};
use crate::bitbucket::reports::{
    ANNOTATIONS_PER_REPORT, ANNOTATIONS_PER_REQUEST, AnnotationResult, AnnotationSeverity, DATA_MAX, DETAILS_MAX,
    DataValue, ReportResult, SUMMARY_MAX,
};
use crate::bitbucket::statuses::{KEY_MAX, NAME_MAX, StatusState, URL_MAX};
use crate::gate::{
    Bound, Condition, Count, Evaluated, Evaluation, Level, Measure, Measures, Metric, Missing, Outcome, evaluate,
};
use crate::masked::verbatim::verbatim;
use crate::plain::is_hazard;
use crate::{
    Base, BaseKind, Category, Change, CommitInfo, Comparison, Confidence, Excerpt, ExcerptLine, Finding, Fingerprints,
    Location, Masked, PullRequest, Run, Severity, Skipped, Subject, Suppression, SuppressionKind, ToolRun, masked,
};

/// Stands in fields that posts have no business with.
const CANARY: &str = "canary7f3a";

static PENSTOCK: LazyLock<Masked> = LazyLock::new(|| "penstock".into());

fn number(at: u32) -> Finding {
    Finding {
        category: Category::Secret,
        rule: "example-token".into(),
        title: "Example token".into(),
        severity: Severity::High,
        confidence: Confidence::High,
        message: "Example token".into(),
        location: Location { path: "src/main.rs".into(), start_line: at, start_column: 1, end_line: at, end_column: 9 },
        masked: Some("••••••••".into()),
        validity: None,
        excerpt: None,
        related: Vec::new(),
        group: None,
        decoded_from: None,
        commit: None,
        references: Vec::new(),
        remediation: Some("Revoke it.".into()),
        change: Some(Change::New),
        fingerprints: fingerprints(&format!("pf1:{at:032x}")),
        suppression: None,
        owners: Vec::new(),
    }
}

fn fingerprints(text: &str) -> Fingerprints {
    serde_json::from_value(serde_json::json!({ "primary": text, "path_free": text })).unwrap()
}

fn run(findings: Vec<Finding>) -> Run {
    let new = |severity| {
        findings
            .iter()
            .filter(move |one| one.is_active() && one.change == Some(Change::New) && one.severity == severity)
    };
    let high = Metric::New(Count::Of(Severity::High));
    let measured = Measure::Known(new(Severity::High).count() as f64);
    let measures = Measures { values: [(high, measured)].into(), new_lines: None };
    Run {
        gate: Some(evaluate(&[Condition::at_most(high, 0.0, Level::Block)], &measures)),
        comparison: Some(Comparison {
            base: Base {
                kind: BaseKind::MergeBase,
                commit: Some("fedcba9876543210".into()),
                reason: "merge base with main".into(),
                hint: Masked::EMPTY,
            },
            fixed: Vec::new(),
            leaked: Vec::new(),
            policy_changes: Vec::new(),
            unread: None,
        }),
        findings,
        ..empty()
    }
}

fn empty() -> Run {
    let empty =
        serde_json::json!({"schema_version": 1, "started_at": "2026-11-23T14:05:09Z", "tools": [], "findings": []});
    serde_json::from_value(empty).unwrap()
}

fn subject() -> Subject {
    Subject {
        workspace: "acme".into(),
        repository: "shop".into(),
        commit: "0123456789abcdef0123456789abcdef01234567".into(),
        branch: Some("feature".into()),
        pull_request: Some(PullRequest { id: 12, destination_branch: "main".into(), destination_commit: None }),
        build_number: Some(7),
        ..Subject::default()
    }
}

fn context(subject: &Subject) -> Context<'_> {
    Context {
        subject,
        name: &PENSTOCK,
        web: BITBUCKET,
        categories: &[Category::Secret],
        allow_incomplete: false,
        counted: Counted::default(),
    }
}

#[test]
fn of_three_thousand_findings_the_worst_thousand_are_shown_and_the_rest_is_told() {
    let severities = [Severity::Info, Severity::Medium, Severity::Critical];
    let findings =
        (0..3000).map(|at| Finding { severity: severities[at as usize % 3], ..number(at + 1) }).collect::<Vec<_>>();
    let subject = subject();
    let reports = reports(&run(findings), &context(&subject));
    let [Insight { report, annotations }] = &reports[..] else { panic!("one category, one report") };
    assert_eq!(annotations.len(), ANNOTATIONS_PER_REPORT);
    assert!(annotations.iter().all(|one| one.severity == AnnotationSeverity::Critical));
    assert!(
        report.details.contains("The 1000 worst are shown; 2000 more: 1000 medium, 1000 info."),
        "{}",
        report.details
    );
    let batches: Vec<_> = reports[0].batches().collect();
    assert!(batches.len() == 10 && batches.iter().all(|batch| batch.len() == ANNOTATIONS_PER_REQUEST));
}

#[test]
fn what_blocks_comes_before_what_is_worse_but_old_and_what_is_allowed_comes_last() {
    let old = Finding { severity: Severity::Critical, change: Some(Change::Existing), ..number(1) };
    let allowed = Finding {
        severity: Severity::Critical,
        suppression: Some(Suppression { kind: SuppressionKind::Inline, reason: "a test".into() }),
        ..number(2)
    };
    let run = run(vec![allowed, old, number(3)]);
    let subject = subject();
    let annotations = &reports(&run, &context(&subject))[0].annotations;
    let told: Vec<_> = annotations.iter().map(|one| (one.line.unwrap(), one.result)).collect();
    assert_eq!(told, [(3, AnnotationResult::Failed), (1, AnnotationResult::Passed), (2, AnnotationResult::Ignored)]);
}

#[test]
fn a_report_fails_only_with_a_finding_that_blocks_and_the_first_for_all_else() {
    let vulnerability = Finding { category: Category::Vulnerability, severity: Severity::Low, ..number(1) };
    let subject = subject();
    let both = [Category::Secret, Category::Vulnerability];
    let context = Context { categories: &both, ..context(&subject) };
    let results = |run: &Run| reports(run, &context).iter().map(|one| one.report.result).collect::<Vec<_>>();

    let failing = run(vec![number(2), vulnerability.clone()]);
    assert_eq!(results(&failing), [ReportResult::Failed, ReportResult::Passed]);
    let passing = run(vec![vulnerability]);
    assert_eq!(results(&passing), [ReportResult::Passed, ReportResult::Passed]);
    let condition = Condition::at_most(Metric::TestsFailed, 0.0, Level::Block);
    let undecided = Run { gate: Some(evaluate(&[condition], &Measures::default())), ..passing };
    assert_eq!(results(&undecided), [ReportResult::Failed, ReportResult::Passed]);
    assert_eq!(status(&undecided, &context).state, StatusState::Failed);
    assert_eq!(
        status(&undecided, &context).description,
        "Not decided: tests.failed is unknown (≤ 0)",
        "what was not measured is told, not taken for a failure of the change"
    );
}

#[test]
fn an_incomplete_run_has_not_passed_unless_it_may() {
    let tool = ToolRun {
        name: "penstock".into(),
        version: Masked::EMPTY,
        configuration: String::new(),
        scope: Masked::EMPTY,
        complete: false,
        files: 1,
        bytes: 1,
        skipped: vec![Skipped { subject: "locked".into(), reason: "denied".into(), by_limit: false }],
    };
    let run = Run { tools: vec![tool], ..run(Vec::new()) };
    assert_eq!(Standing::of(&run, false), Standing::Incomplete);
    assert_eq!(Standing::of(&run, true), Standing::Passed);
    let subject = subject();
    let details = &reports(&run, &context(&subject))[0].report.details;
    assert!(details.contains("The scan is incomplete: 1 file could not be read."), "{details}");
}

#[test]
fn the_comment_tells_what_changed_and_only_that() {
    let gone = CommitInfo {
        id: "ab".repeat(20),
        author: CANARY.into(),
        email: CANARY.into(),
        date: String::new(),
        subject: CANARY.into(),
    };
    let allowed = Finding {
        suppression: Some(Suppression { kind: SuppressionKind::Inline, reason: "ask @admin".into() }),
        ..number(5)
    };
    let mut run = run((10..40).map(number).chain([allowed]).collect());
    let comparison = run.comparison.as_mut().unwrap();
    comparison.leaked = vec![Finding { commit: Some(gone), change: None, ..number(7) }];
    comparison.fixed = vec![number(8)];
    comparison.policy_changes = vec!["`new.high` is no longer a condition".into()];
    let subject = subject();
    let comment = comment(&run, &context(&subject));
    let body = &comment.body;
    assert!(comment.has_news);
    for told in [
        "[//]: # (penstock.pr-12.penstock)",
        "**Penstock: failed** for commit [0123456789ab](https://bitbucket.org/acme/shop/commits/0123456789abcdef0123456789abcdef01234567)",
        "Failed: new.high is 30 (≤ 0).",
        "| new.high | 30 | ≤ 0 | **failed** |",
        "- **high** [src/main.rs, line 10](https://bitbucket.org/acme/shop/src/0123456789abcdef0123456789abcdef01234567/src/main.rs#lines-10): Example token",
        "- and 10 more\n",
        "/src/abababababababababababababababababababab/src/main.rs#lines-7): Example token",
        "allowed by a comment: ask &#64;&#8288;admin",
        "&#96;new.high&#96; is no longer a condition",
        "30 new (30 high), 1 fixed, 0 existing, 1 suppressed.",
        "Compared with fedcba987654: merge base with main.",
    ] {
        assert!(body.contains(told), "{told}\nis missing in\n{body}");
    }
    let at = |heading: &str| body.find(heading).unwrap();
    assert!(at("Allowed by this pull request") < at("**New**"), "what the change allows itself comes first");
    assert!(!body.contains("line 30]"), "only the first twenty are listed");
}

#[test]
fn silence_is_kept_until_something_was_said() {
    let subject = subject();
    let quiet = comment(&run(vec![Finding { change: Some(Change::Existing), ..number(1) }]), &context(&subject));
    let loud = comment(&run(vec![number(1)]), &context(&subject));
    assert_eq!(quiet.step(None), Step::StaySilent);
    assert_eq!(quiet.step(Some(&loud.body)), Step::Update);
    assert_eq!(loud.step(None), Step::Create);
    assert_eq!(loud.step(Some(&format!("{}\n", loud.body))), Step::Keep);
}

/// Text as somebody would write it who wants to be seen, or to break something.
fn hostile() -> impl Strategy<Value = Masked> {
    let bait = select(vec![
        "@all @{557058:1} @jo",
        "[click](https://evil.example) <https://evil.example> https://evil.example www.evil.example",
        "![x](https://evil.example/p.png) <img src=x onerror=alert(1)> <!-- ",
        "`code` ```\nfence\n``` | a | b |\n|---|---|\n",
        "\n\n# heading\n\n- item\n\n[//]: # (penstock.pr-12.penstock)\n",
        "[//]: # (penstock.pr-1.penstock)",
        "\u{202e}txet\u{202c}\u{200b}\u{feff}\u{2066}",
        "\u{0}\u{1b}[31m\r\n\t\u{9b}\u{85}",
        "&#64;all &commat;all &lt;b&gt;",
        "a.zip!b/../..//x",
        "#1 PROJ-1 :smile: **b** __i__ ~~s~~ \\",
    ]);
    prop_oneof![
        bait.clone().prop_map(str::to_owned),
        any::<String>(),
        (bait, 1_usize..200).prop_map(|(bait, times)| bait.repeat(times)),
        Just(String::new()),
        Just("\u{1f511}".repeat(5000)),
    ]
    .prop_map(|text| verbatim(&text))
}

fn any_change() -> impl Strategy<Value = Option<Change>> {
    option::of(select(vec![Change::New, Change::Existing]))
}

fn any_finding() -> impl Strategy<Value = Finding> {
    let scales = (
        select(vec![
            Category::Secret,
            Category::Vulnerability,
            Category::Misconfiguration,
            Category::CodeQuality,
            Category::TestFailure,
        ]),
        select(vec![Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]),
        any_change(),
    );
    let texts = vec(hostile(), 8);
    (scales, texts, any::<u32>(), any::<bool>(), any::<bool>()).prop_map(
        |((category, severity, change), texts, line, commit, allowed)| {
            let [rule, title, message, path, reason, id, remediation, fingerprint] =
                <[Masked; 8]>::try_from(texts).unwrap();
            let hidden = || Masked::from(CANARY);
            Finding {
                category,
                severity,
                change,
                rule,
                title,
                message,
                location: Location { path, start_line: line, start_column: 1, end_line: line, end_column: 2 },
                remediation: Some(remediation),
                commit: commit.then(|| CommitInfo {
                    id: id.into(),
                    author: hidden(),
                    email: hidden(),
                    date: CANARY.into(),
                    subject: hidden(),
                }),
                excerpt: Some(Excerpt { lines: vec![ExcerptLine { number: 1, text: hidden(), mark: None }] }),
                suppression: allowed.then_some(Suppression { kind: SuppressionKind::Inline, reason }),
                fingerprints: fingerprints(&fingerprint),
                ..number(1)
            }
        },
    )
}

fn any_condition() -> impl Strategy<Value = Evaluated> {
    let known = Metric::all().map(|metric| masked![metric]).collect::<Vec<_>>();
    (
        prop_oneof![select(known), hostile()],
        option::of(any::<f64>()),
        select(vec![Outcome::Passed, Outcome::Failed, Outcome::Unknown, Outcome::NotApplicable]),
        select(vec![Level::Block, Level::Warn]),
        any::<f64>(),
        hostile(),
    )
        .prop_map(|(name, value, outcome, level, limit, reason)| Evaluated {
            name,
            bound: Bound::AtMost(limit),
            value,
            level,
            missing: Missing::Block,
            outcome,
            reason,
        })
}

fn any_run() -> impl Strategy<Value = Run> {
    let words = (hostile(), hostile(), hostile(), vec(hostile(), 0..15));
    (vec(any_finding(), 0..40), vec(any_finding(), 0..15), vec(any_condition(), 0..40), words).prop_map(
        |(findings, leaked, conditions, (commit, reason, hint, policy_changes))| Run {
            comparison: Some(Comparison {
                base: Base { kind: BaseKind::MergeBase, commit: Some(commit.into()), reason, hint },
                fixed: leaked.clone(),
                leaked,
                policy_changes,
                unread: None,
            }),
            gate: Some(Evaluation { conditions }),
            ..run(findings)
        },
    )
}

fn any_subject() -> impl Strategy<Value = Subject> {
    (
        vec(hostile(), 3),
        option::of(hostile()),
        option::of(hostile()),
        option::of(any::<u64>()),
        option::of(any::<u64>()),
    )
        .prop_map(|(texts, branch, tag, pull_request, build_number)| Subject {
            workspace: texts[0].clone(),
            repository: texts[1].clone(),
            commit: texts[2].clone().into(),
            branch,
            tag,
            pull_request: pull_request.map(|id| PullRequest {
                id,
                destination_branch: texts[0].clone(),
                destination_commit: None,
            }),
            build_number,
            ..Subject::default()
        })
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Every text in `value`.
fn texts(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(all) => all.iter().flat_map(texts).collect(),
        serde_json::Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn is_harmless(value: &serde_json::Value) -> bool {
    texts(value).iter().all(|text| !text.contains(is_hazard) && !text.contains(CANARY))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn reports_keep_the_limits(run in any_run(), subject in any_subject(), name in hostile()) {
        let context = Context { name: &name, ..context(&subject) };
        let reports = reports(&run, &context);
        prop_assert!((1..=5).contains(&reports.len()));
        let ids: BTreeSet<&str> = reports.iter().map(|one| one.report.external_id.as_str()).collect();
        prop_assert_eq!(ids.len(), reports.len());
        for Insight { report, annotations } in &reports {
            prop_assert!(report.external_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)));
            prop_assert!((1..=SUMMARY_MAX).contains(&length(&report.title)));
            prop_assert!((1..=DETAILS_MAX).contains(&length(&report.details)));
            prop_assert!(report.data.len() <= DATA_MAX);
            prop_assert!(report.data.iter().all(|one| matches!(one.value, DataValue::Text(_))));
            prop_assert!(report.link.as_ref().is_none_or(|link| link.starts_with(BITBUCKET)));
            prop_assert!(is_harmless(&serde_json::to_value(report).unwrap()));
            prop_assert!(annotations.len() <= ANNOTATIONS_PER_REPORT);
            let ids: BTreeSet<&str> = annotations.iter().map(|one| one.external_id.as_str()).collect();
            prop_assert_eq!(ids.len(), annotations.len());
            for annotation in annotations {
                prop_assert!((1..=SUMMARY_MAX).contains(&length(&annotation.summary)));
                prop_assert!(annotation.details.as_ref().is_none_or(|details| (1..=DETAILS_MAX).contains(&length(details))));
                prop_assert!(annotation.line != Some(0));
                prop_assert!(annotation.path.as_deref() != Some(""));
                prop_assert!(annotation.link.as_ref().is_none_or(|link| link.starts_with(BITBUCKET)));
                prop_assert!(annotation.result != AnnotationResult::Failed || report.result == ReportResult::Failed);
                prop_assert!(is_harmless(&serde_json::to_value(annotation).unwrap()));
            }
        }
    }

    #[test]
    fn statuses_keep_the_limits(run in any_run(), subject in any_subject(), name in hostile()) {
        let context = Context { name: &name, ..context(&subject) };
        let status = status(&run, &context);
        prop_assert!((1..=KEY_MAX).contains(&length(&status.key)));
        prop_assert!((1..=NAME_MAX).contains(&length(&status.name)));
        prop_assert!((1..=URL_MAX).contains(&length(&status.url)) && status.url.starts_with(BITBUCKET));
        prop_assert!((1..=NAME_MAX).contains(&length(&status.description)));
        prop_assert!(is_harmless(&serde_json::to_value(&status).unwrap()));
        let passed = Standing::of(&run, false) == Standing::Passed;
        prop_assert_eq!(status.state == StatusState::Successful, passed);
    }

    #[test]
    fn comments_show_foreign_text_as_text(run in any_run(), subject in any_subject(), name in hostile()) {
        let context = Context { name: &name, ..context(&subject) };
        let comment = comment(&run, &context);
        let body = &comment.body;
        prop_assert!(body.len() <= COMMENT_MAX, "{} bytes", body.len());
        prop_assert_eq!(body.matches(&comment.marker).count(), 1);
        prop_assert!(!body.contains(['@', '<', '`']));
        prop_assert!(!body.contains(|c| is_hazard(c) && c != '\n'));
        prop_assert!(!body.contains(CANARY));
        for at_line in at_lines(&run, &context) {
            let body = &at_line.body;
            prop_assert!(body.len() <= COMMENT_MAX && !body.contains(['@', '<', '`']) && !body.contains(CANARY));
            prop_assert!(body.contains(&comment.marker) && body.matches(&at_line.marker).count() == 1);
            prop_assert!(body.lines().count() == 4 && at_line.line > 0);
        }
        for event in Parser::new_ext(body, Options::all()) {
            match event {
                Event::Start(Tag::Link { dest_url, .. }) => prop_assert!(dest_url.starts_with(BITBUCKET), "{dest_url}"),
                Event::Start(
                    Tag::Paragraph | Tag::List(None) | Tag::Item | Tag::Strong | Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell,
                )
                | Event::End(_)
                | Event::Text(_)
                | Event::SoftBreak => {}
                other => prop_assert!(false, "{other:?} in {body}"),
            }
        }
    }

    #[test]
    fn the_sentence_is_short(run in any_run()) {
        let sentence = verdict::sentence(&run, false);
        prop_assert!(length(&sentence) <= 450 && !sentence.contains(is_hazard));
    }
}

#[test]
fn comments_of_the_longest_texts_still_end() {
    let long = verbatim(&"@".repeat(20_000));
    let finding = |at| Finding {
        message: long.clone(),
        location: Location { path: verbatim(&format!("a/{}", "é".repeat(300))), ..number(at).location },
        ..number(at)
    };
    let mut run = run((1..30).map(finding).collect());
    run.comparison.as_mut().unwrap().leaked = (1..13).map(finding).collect();
    let subject = subject();
    let body = comment(&run, &context(&subject)).body;
    assert!(body.len() <= COMMENT_MAX);
    assert_eq!(body.matches(" more\n").count(), 2, "both lists are cut, and say so: {body}");
    assert!(body.contains("0 fixed"), "{body}");
    assert!(body.contains("Compared with"), "{body}");
}
