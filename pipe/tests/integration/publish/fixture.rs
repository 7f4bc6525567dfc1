//! A repository with a pull request in a sandbox, and runs to publish there.

use std::cell::RefCell;

use penstock::publish::{self, Companion, Plan};
use penstock::settings::{Connection, Variables};
use penstock_common::decorate::links::BITBUCKET;
use penstock_common::delivery::Outcome;
use penstock_common::gate::{Condition, Count, Evaluation, Level, Measure, Measures, Metric, evaluate};
use penstock_common::{
    Base, BaseKind, Category, Change, Comparison, Confidence, Delivery, Destination, Finding, FingerprintInput,
    Location, Masked, PullRequest, Run, Severity, Subject,
};
use penstock_sandbox::{Commit, Sandbox};

pub(super) const REPOSITORY: &str = "acme/shop";

/// The sandbox, the head of `feature`, and the pull request from there to `main`.
pub(super) struct Fixture {
    pub(super) sandbox: Sandbox,
    pub(super) commit: String,
    pub(super) pull_request: u64,
    variables: RefCell<Vec<(String, String)>>,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let sandbox = Sandbox::new().expect("a sandbox");
        sandbox.repository(REPOSITORY).unwrap();
        let first = sandbox.push(REPOSITORY, "main", &Commit::new("first").write("README", "shop\n")).unwrap();
        sandbox.branch(REPOSITORY, "feature", &first).unwrap();
        let commit =
            sandbox.push(REPOSITORY, "feature", &Commit::new("change").write("src/a.rs", "1\n2\n3\n")).unwrap();
        let pull_request = sandbox.open_pull_request(REPOSITORY, "A change", "feature", "main").unwrap();
        let own = [("BITBUCKET_API_URL", sandbox.api_url()), ("AUTH_PROXY", sandbox.proxy_addr().to_owned())];
        let variables = RefCell::new(own.map(|(name, value)| (name.to_owned(), value)).to_vec());
        Self { sandbox, commit, pull_request, variables }
    }

    /// With a token of the repository that has these scopes.
    pub(super) fn with_token(scopes: &[&str]) -> (Self, String) {
        let fixture = Self::new();
        let token = fixture.sandbox.repository_token(REPOSITORY, scopes).unwrap();
        fixture.set("BITBUCKET_ACCESS_TOKEN", &token);
        (fixture, token)
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        let mut variables = self.variables.borrow_mut();
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn unset(&self, name: &str) {
        self.variables.borrow_mut().retain(|(known, _)| known != name);
    }

    /// A build of the pull request.
    pub(super) fn plan(&self) -> Plan {
        let variables: Variables = self.variables.borrow().iter().cloned().collect();
        Plan {
            connection: Connection::read(&variables, &variables.read().unwrap()).expect("a connection"),
            subject: Subject {
                workspace: "acme".into(),
                repository: "shop".into(),
                commit: self.commit.clone(),
                branch: Some("feature".into()),
                pull_request: Some(PullRequest {
                    id: self.pull_request,
                    destination_branch: "main".into(),
                    destination_commit: None,
                }),
                pipeline_uuid: Some("7c1b".to_owned()),
                step_uuid: Some("91aa".to_owned()),
                build_number: Some(7),
                ..Subject::default()
            },
            name: "penstock".into(),
            web: BITBUCKET.to_owned(),
            categories: vec![Category::Secret],
            allow_incomplete: false,
            step_run_number: 1,
            code_insights: true,
            build_status: true,
            pr_comment: true,
            inline_comments: false,
            companion: Companion::default(),
            found: Vec::new(),
            hurried: false,
        }
    }

    /// A build of the branch, with the same head.
    pub(super) fn branch_plan(&self) -> Plan {
        let mut plan = self.plan();
        plan.subject.pull_request = None;
        plan
    }

    /// All reports on the head: id, result, annotations.
    pub(super) fn reports(&self) -> Vec<(String, String, Vec<serde_json::Value>)> {
        let reports = self.sandbox.reports(REPOSITORY, &self.commit).unwrap();
        let told = reports.iter().map(|report| {
            let id = report["external_id"].as_str().unwrap().to_owned();
            let annotations = self.sandbox.annotations(REPOSITORY, &self.commit, &id).unwrap();
            (id, report["result"].as_str().unwrap().to_owned(), annotations)
        });
        told.collect()
    }

    /// All statuses on the head: key and state.
    pub(super) fn statuses(&self) -> Vec<(String, String)> {
        let statuses = self.sandbox.statuses(REPOSITORY, &self.commit).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        statuses.iter().map(|status| (text(&status["key"]), text(&status["state"]))).collect()
    }

    /// The texts of all comments that were not deleted.
    pub(super) fn comments(&self) -> Vec<String> {
        let comments = self.sandbox.comments(REPOSITORY, self.pull_request).unwrap();
        comments.into_iter().filter(|comment| !comment.is_deleted).map(|comment| comment.raw).collect()
    }

    /// How many requests there were with this method and an end of the path.
    pub(super) fn requests(&self, method: &str, end: &str) -> usize {
        let journal = self.sandbox.journal();
        journal.iter().filter(|entry| entry.method == method && entry.path.ends_with(end)).count()
    }
}

pub(super) fn finding(line: u32, severity: Severity) -> Finding {
    let input = FingerprintInput {
        category: "secret",
        tool: "penstock",
        rule: "example-token",
        path: "src/a.rs",
        context: "",
        ordinal: line,
    };
    Finding {
        category: Category::Secret,
        rule: "example-token".into(),
        title: "Example token".into(),
        severity,
        confidence: Confidence::High,
        message: "Example token".into(),
        location: Location {
            path: "src/a.rs".into(),
            start_line: line,
            start_column: 1,
            end_line: line,
            end_column: 9,
        },
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
        fingerprints: input.fingerprints(),
        suppression: None,
        owners: Vec::new(),
    }
}

/// A run that compared with `main` and lets nothing new of high severity pass.
pub(super) fn run(findings: Vec<Finding>) -> Run {
    let base = Base {
        kind: BaseKind::MergeBase,
        commit: Some("fedcba9876543210".to_owned()),
        reason: "merge base with main".into(),
        hint: Masked::EMPTY,
    };
    let comparison =
        Comparison { base, fixed: Vec::new(), leaked: Vec::new(), policy_changes: Vec::new(), unread: None };
    let empty = serde_json::json!({
        "schema_version": 1, "started_at": "2026-11-23T14:05:09Z", "tools": [], "findings": []
    });
    let empty: Run = serde_json::from_value(empty).unwrap();
    let mut run = Run { comparison: Some(comparison), findings, ..empty };
    run.gate = Some(gate(&run));
    run
}

fn gate(run: &Run) -> Evaluation {
    let high = Metric::New(Count::Of(Severity::High));
    let new = run
        .findings
        .iter()
        .filter(|one| one.is_active() && one.change == Some(Change::New) && one.severity == Severity::High);
    let measures = Measures { values: [(high, Measure::Known(new.count() as f64))].into(), new_lines: None };
    evaluate(&[Condition::at_most(high, 0.0, Level::Block)], &measures)
}

/// Publishes, and tells how each destination ended.
pub(super) fn publish(plan: &Plan, run: &Run) -> Ended {
    let sent = publish::send(plan, run);
    Ended(publish::run(plan, run, sent, false))
}

pub(super) struct Ended(pub(super) Vec<Delivery>);

impl Ended {
    fn outcome(&self, destination: Destination) -> &Outcome {
        let mut found = self.0.iter().filter(|delivery| delivery.destination == destination);
        let outcome = &found.next().expect("every destination ends").outcome;
        assert!(found.next().is_none(), "and ends once");
        outcome
    }

    pub(super) fn published(&self, destination: Destination) -> &str {
        match self.outcome(destination) {
            Outcome::Published { detail } => detail,
            other => panic!("{destination} was not published: {other:?}"),
        }
    }

    /// Reason and remedy.
    pub(super) fn skipped(&self, destination: Destination) -> (&str, &str) {
        match self.outcome(destination) {
            Outcome::Skipped { reason, remedy } => (reason, remedy),
            other => panic!("{destination} was not skipped: {other:?}"),
        }
    }

    /// Reason and remedy.
    pub(super) fn failed(&self, destination: Destination) -> (&str, &str) {
        match self.outcome(destination) {
            Outcome::Failed { reason, remedy } => (reason, remedy),
            other => panic!("{destination} did not fail: {other:?}"),
        }
    }

    /// All that is told, as one text.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap()
    }
}
