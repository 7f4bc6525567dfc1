use penstock::publish::Plan;
use penstock_common::{CommitInfo, Destination, Finding, Masked, Severity, Suppression, SuppressionKind};
use penstock_sandbox::{Commit, Fault, Route};

use super::fixture::{Fixture, REPOSITORY, finding, publish, run};

const COMMENT: Destination = Destination::PrComment;
const SCOPES: [&str; 2] = ["repository", "pullrequest"];

#[test]
fn one_comment_is_posted_and_updated_and_never_repeated() {
    // Once with a token that may ask who it is, and once with one that may not.
    for scopes in [&["repository", "pullrequest", "account"][..], &SCOPES] {
        let (fixture, _) = Fixture::with_token(scopes);
        let ended = publish(&fixture.plan(), &run(vec![finding(2, Severity::High)]));
        assert!(ended.published(COMMENT).ends_with("was posted"), "{}", ended.text());
        let ended = publish(&fixture.plan(), &run(vec![finding(2, Severity::High)]));
        assert!(ended.published(COMMENT).contains("word by word"), "{}", ended.text());
        let mut fixed = run(Vec::new());
        let commit = CommitInfo {
            id: "ab".repeat(20),
            author: Masked::EMPTY,
            email: Masked::EMPTY,
            date: String::new(),
            subject: Masked::EMPTY,
        };
        let leaked = Finding { commit: Some(commit), change: None, ..finding(2, Severity::High) };
        fixed.comparison.as_mut().unwrap().leaked = vec![leaked];
        let ended = publish(&fixture.plan(), &fixed);
        assert!(ended.published(COMMENT).ends_with("was updated"), "{}", ended.text());
        let comments = fixture.comments();
        let [comment] = &comments[..] else { panic!("one comment: {comments:?}") };
        assert!(comment.contains("**Removed, but still leaked: to be revoked**"), "{comment}");
        assert!(
            comment.contains(&format!("/src/{}/", "ab".repeat(20))),
            "the link leads to the commit that brought it: {comment}"
        );
        assert!(comment.contains("**Penstock: passed**"), "{comment}");
    }
}

#[test]
fn there_is_silence_while_there_is_nothing_to_say() {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    let ended = publish(&fixture.plan(), &run(Vec::new()));
    assert_eq!(ended.skipped(COMMENT), ("there is nothing to say, and nothing was said before", ""));
    assert!(fixture.comments().is_empty());
}

#[test]
fn a_marker_in_somebody_elses_comment_is_no_claim() {
    for scopes in [&["repository", "pullrequest", "account"][..], &SCOPES] {
        let (fixture, _) = Fixture::with_token(scopes);
        // The other one posts with the same name and so the same marker.
        let stranger = fixture.sandbox.repository_token(REPOSITORY, &SCOPES).unwrap();
        let own = fixture.sandbox.repository_token(REPOSITORY, scopes).unwrap();
        fixture.set("BITBUCKET_ACCESS_TOKEN", &stranger);
        let mut plan = fixture.plan();
        plan.build_status = false;
        publish(&plan, &run(vec![finding(1, Severity::Critical), finding(2, Severity::High)]));
        let theirs = fixture.comments();
        fixture.set("BITBUCKET_ACCESS_TOKEN", &own);
        plan.connection = fixture.plan().connection;
        let ended = publish(&plan, &run(vec![finding(2, Severity::High)]));
        assert!(ended.published(COMMENT).ends_with("was posted"), "{}", ended.text());
        let ended = publish(&plan, &run(vec![finding(3, Severity::High)]));
        assert!(ended.published(COMMENT).ends_with("was updated"), "{}", ended.text());
        let comments = fixture.comments();
        assert_eq!((comments.len(), &comments[0]), (2, &theirs[0]));
        assert!(comments[1].contains("line 3"));
    }
}

#[test]
fn a_comment_that_somebody_deleted_is_posted_anew() {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    let id = fixture.sandbox.comments(REPOSITORY, fixture.pull_request).unwrap()[0].id;
    delete_comment(&fixture, id);
    let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    assert!(ended.published(COMMENT).ends_with("was posted"), "{}", ended.text());
    assert_eq!(fixture.comments().len(), 1);
}

fn delete_comment(fixture: &Fixture, id: u64) {
    let plan = fixture.plan();
    let client = penstock::bitbucket::client(&plan.connection.direct()).unwrap();
    let repository = client.in_repository("acme", "shop");
    penstock::bitbucket::block_on(repository.delete_comment(fixture.pull_request, id)).unwrap().unwrap();
}

#[test]
fn a_pull_request_that_is_over_or_foreign_or_further_gets_no_comment() {
    let skipped = |plan: Plan| {
        let ended = publish(&plan, &run(vec![finding(1, Severity::High)]));
        let (reason, remedy) = ended.skipped(COMMENT);
        assert_eq!(remedy, "", "nothing can be set against that");
        reason.to_owned()
    };

    let (fixture, _) = Fixture::with_token(&SCOPES);
    fixture.sandbox.push(REPOSITORY, "feature", &Commit::new("later").write("b", "1")).unwrap();
    assert!(skipped(fixture.plan()).starts_with("superseded"));
    assert!(fixture.comments().is_empty());

    let (fixture, _) = Fixture::with_token(&SCOPES);
    fixture.sandbox.decline(REPOSITORY, fixture.pull_request).unwrap();
    assert_eq!(skipped(fixture.plan()), "pull request 1 is closed");

    let (fixture, _) = Fixture::with_token(&SCOPES);
    fixture.sandbox.delete_pull_request(REPOSITORY, fixture.pull_request).unwrap();
    assert!(skipped(fixture.plan()).starts_with("pull request 1 was deleted"));

    let (fixture, _) = Fixture::with_token(&SCOPES);
    fixture.sandbox.fork(REPOSITORY, "other/shop").unwrap();
    let head = fixture.sandbox.push("other/shop", "theirs", &Commit::new("theirs").write("c", "1")).unwrap();
    let number = fixture.sandbox.open_pull_request_from("other/shop", "theirs", REPOSITORY, "main").unwrap();
    let mut plan = fixture.plan();
    plan.subject.commit = head;
    plan.subject.pull_request.as_mut().unwrap().id = number;
    assert_eq!(skipped(plan), format!("pull request {number} comes from a fork"));

    let (fixture, _) = Fixture::with_token(&SCOPES);
    assert_eq!(skipped(fixture.branch_plan()), "this is no build of a pull request");
}

#[test]
fn a_missing_scope_is_named() {
    let (fixture, _) = Fixture::with_token(&["repository"]);
    let ended = publish(&fixture.plan(), &run(vec![finding(1, Severity::High)]));
    let (reason, remedy) = ended.failed(COMMENT);
    assert!(reason.contains("403") && remedy.contains("`pullrequest`"), "{reason}; {remedy}");
    ended.published(Destination::BuildStatus);
}

#[test]
fn what_the_change_allows_itself_comes_first() {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    let suppression = Suppression { kind: SuppressionKind::Inline, reason: "only a test @admin".into() };
    let allowed = Finding { suppression: Some(suppression), ..finding(1, Severity::High) };
    publish(&fixture.plan(), &run(vec![allowed, finding(2, Severity::High)]));
    let comment = &fixture.comments()[0];
    let at = |text: &str| comment.find(text).unwrap_or_else(|| panic!("{text} is missing in {comment}"));
    assert!(at("Allowed by this pull request itself") < at("**New**"));
    assert!(comment.contains("only a test &#64;&#8288;admin"), "{comment}");
}

#[test]
fn comments_at_lines_come_on_request_and_go_with_their_finding() {
    let (fixture, _) = Fixture::with_token(&["repository", "pullrequest", "account"]);
    let mut plan = fixture.plan();
    plan.inline_comments = true;
    let ended = publish(&plan, &run(vec![finding(1, Severity::High), finding(2, Severity::High)]));
    assert!(ended.published(COMMENT).ends_with(", 2 at lines were posted and 0 deleted"), "{}", ended.text());
    assert_eq!(fixture.comments().len(), 3);
    let ended = publish(&plan, &run(vec![finding(2, Severity::High), finding(3, Severity::High)]));
    assert!(ended.published(COMMENT).ends_with(", 1 at lines were posted and 1 deleted"), "{}", ended.text());
    assert_eq!(fixture.comments().len(), 3);
}

/// A user who copies our comment can neither make us change the copy nor post a second one.
#[test]
fn ours_is_found_among_any_number_of_copies() {
    // Few, more than are tried one by one, and more than a page or two.
    for (before, after) in [(0, 1), (9, 0), (2, 230)] {
        let (fixture, _) = Fixture::with_token(&SCOPES);
        let [grace, eve] = ["Grace", "Eve"].map(|name| fixture.sandbox.person(name).uuid);
        let paste = |text: &str, number: usize| {
            let whose = [&grace, &eve][number % 2];
            let stranger = fixture.sandbox.acting_as(whose).unwrap();
            stranger.comment(REPOSITORY, fixture.pull_request, text).unwrap();
        };
        let marker = {
            let (elsewhere, _) = Fixture::with_token(&SCOPES);
            publish(&elsewhere.plan(), &run(vec![finding(2, Severity::High)]));
            elsewhere.comments().remove(0)
        };
        (0..before).for_each(|number| paste(&marker, number));
        let ended = publish(&fixture.plan(), &run(vec![finding(2, Severity::High)]));
        assert!(ended.published(COMMENT).ends_with("was posted"), "{}", ended.text());
        let ours = fixture.comments()[before].clone();
        (0..after).for_each(|number| paste(&ours, number));
        for line in [3, 1] {
            let ended = publish(&fixture.plan(), &run(vec![finding(line, Severity::High)]));
            assert!(ended.published(COMMENT).ends_with("was updated"), "{}", ended.text());
            let comments = fixture.comments();
            assert_eq!(comments.len(), before + 1 + after, "none is posted twice, and none is deleted");
            assert!(comments[before].contains(&format!("line {line}")), "{}", comments[before]);
            let theirs = comments[..before].iter().chain(&comments[before + 1..]);
            assert!(theirs.clone().all(|text| *text == marker || *text == ours), "no other comment is changed");
        }
        // One request for each other author, however many comments they wrote.
        assert!(puts(&fixture) <= 2 + 2 * 3, "{}", puts(&fixture));
    }
}

/// Number of requests to change a comment.
fn puts(fixture: &Fixture) -> usize {
    let journal = fixture.sandbox.journal();
    journal.iter().filter(|entry| entry.method == "PUT" && entry.path.contains("/comments/")).count()
}

/// While our comment is up to date, a copy of it does not make us post it again.
#[test]
fn a_copy_of_our_comment_triggers_no_new_one() {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    publish(&fixture.plan(), &run(vec![finding(2, Severity::High)]));
    let ours = fixture.comments().remove(0);
    let (quiet, _) = Fixture::with_token(&SCOPES);
    quiet.sandbox.comment(REPOSITORY, quiet.pull_request, &ours).unwrap();
    let ended = publish(&quiet.plan(), &run(Vec::new()));
    let (reason, _) = ended.skipped(COMMENT);
    assert!(reason.contains("belongs to another user"), "{reason}");
    assert_eq!(quiet.comments(), [ours]);
}

#[test]
fn a_refused_inline_comment_does_not_affect_the_others() {
    for (status, words) in [
        (400, ", 2 at lines were posted and 0 deleted, 1 have no line in the diff"),
        (422, ", 2 at lines were posted and 0 deleted, 1 at lines are missing: POST"),
    ] {
        let (fixture, _) = Fixture::with_token(&SCOPES);
        let mut plan = fixture.plan();
        let three = || run((1..=3).map(|line| finding(line, Severity::High)).collect());
        publish(&plan, &three());
        plan.inline_comments = true;
        fixture.sandbox.fault(Route::new("POST", "*/comments"), Fault::status(status), 1);
        let ended = publish(&plan, &three());
        assert!(ended.published(COMMENT).contains(words), "{}", ended.text());
        assert_eq!(fixture.comments().len(), 3);
    }
    // What applies to all of them is requested once.
    let (fixture, _) = Fixture::with_token(&SCOPES);
    let mut plan = fixture.plan();
    publish(&plan, &run(vec![finding(1, Severity::High), finding(2, Severity::High)]));
    plan.inline_comments = true;
    fixture.sandbox.fault(Route::new("POST", "*/comments"), Fault::status(403), 9);
    let ended = publish(&plan, &run(vec![finding(1, Severity::High), finding(2, Severity::High)]));
    assert!(ended.published(COMMENT).contains(", 2 at lines are missing: POST"), "{}", ended.text());
    assert_eq!(fixture.requests("POST", "/comments"), 2);
}

#[test]
fn a_copied_inline_comment_does_not_prevent_posting() {
    let (fixture, _) = Fixture::with_token(&SCOPES);
    let stranger = fixture.sandbox.repository_token(REPOSITORY, &SCOPES).unwrap();
    let own = fixture.sandbox.repository_token(REPOSITORY, &SCOPES).unwrap();
    let mut plan = fixture.plan();
    (plan.inline_comments, plan.build_status) = (true, false);
    let two = || run(vec![finding(1, Severity::High), finding(2, Severity::High)]);
    for (token, number) in [(&stranger, 3), (&own, 6), (&own, 6), (&stranger, 6)] {
        fixture.set("BITBUCKET_ACCESS_TOKEN", token);
        plan.connection = fixture.plan().connection;
        let ended = publish(&plan, &two());
        ended.published(COMMENT);
        assert_eq!(fixture.comments().len(), number, "{}", ended.text());
    }
}
