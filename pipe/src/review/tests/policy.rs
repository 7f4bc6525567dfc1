//! By whose rules a change is judged, and what it would change in them.

use super::*;

/// A pull request of `source` on `main`, which has a secret at `debt` and what `destination` makes.
fn change(destination: impl FnOnce(&Fixture), source: impl FnOnce(&Fixture)) -> (Fixture, Assessment) {
    let git = Fixture::new();
    git.write("debt", leak(1));
    destination(&git);
    let tip = git.commit("begin");
    git.git(&["checkout", "-q", "-b", "topic"]);
    source(&git);
    let head = git.commit("change");
    let assessment = Review::of(git.path()).pull_request(&head, &tip).run();
    (git, assessment)
}

fn changes(assessment: &Assessment) -> Vec<Masked> {
    assessment.run.comparison.as_ref().unwrap().policy_changes.clone()
}

#[test]
fn what_a_change_loosens_is_shown_and_not_effective() {
    let (_, assessment) = change(
        |_| {},
        |git| {
            git.write("mine", leak(2));
            git.write(
                "penstock.toml",
                "[scan]\nexclude = [\"mine\"]\n[gate]\nfail-on = \"never\"\n[[suppress]]\npath = \"mine\"\nreason = \"please\"\n",
            );
            git.write(".gitleaks.toml", "[allowlist]\npaths = ['mine']\n");
            git.write(".gitleaksignore", "mine:gitlab-pat:1\n");
        },
    );
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1");
    assert_eq!(assessment.verdict(), Verdict::Failed);
    assert_eq!(
        changes(&assessment),
        [
            "`gate.fail-on` gains `never`",
            "`scan.exclude` gains `mine`",
            "`suppress` gains `path mine: please`",
            "`.gitleaks.toml` gains 2 lines",
            "`.gitleaksignore` gains 1 line",
        ]
    );
}

#[test]
fn the_rules_of_the_destination_hold_although_the_change_takes_them_away() {
    let (_, assessment) = change(
        |git| {
            git.write(
                "penstock.toml",
                "[gate]\nnew.critical = 5\nnew.high = 5\n[[suppress]]\npath = \"debt\"\nreason = \"known\"\n",
            );
            git.write(".gitleaksignore", "debt:gitlab-pat:1\n");
        },
        |git| {
            git.write("mine", leak(2));
            std::fs::remove_file(git.at("penstock.toml")).unwrap();
            git.write(".gitleaksignore", "");
        },
    );
    assert_eq!(told(&assessment), "existing suppressed debt:1\nnew mine:1");
    assert_eq!(assessment.verdict(), Verdict::Passed, "five new ones may pass");
    assert_eq!(changes(&assessment).len(), 4, "{:?}", changes(&assessment));
}

#[test]
fn a_configuration_that_the_change_breaks_is_told_and_does_no_harm() {
    let (_, assessment) = change(|_| {}, |git| git.write("penstock.toml", "[gate]\nfail-on = 3\n"));
    assert_eq!(assessment.verdict(), Verdict::Passed);
    assert!(changes(&assessment)[0].contains("penstock.toml:2:11: expected a text"), "{:?}", changes(&assessment));
}

#[test]
fn a_mistake_in_the_destination_ends_the_run() {
    let git = Fixture::new();
    git.write("penstock.toml", "[gaet]\n");
    let tip = git.commit("begin");
    let error = Review::of(git.path()).pull_request(&tip, &tip).try_run().unwrap_err();
    assert_eq!(error.code(), 2);
    assert!(error.render().starts_with("error: penstock.toml:1:2: unknown key"), "{}", error.render());
}

#[test]
fn a_file_that_a_flag_names_in_the_clone_comes_from_the_destination_too() {
    let git = Fixture::new();
    git.write("debt", leak(1));
    git.write("ci/penstock.toml", "[gate]\nnew.high = 0\n");
    let tip = git.commit("begin");
    git.write("mine", leak(2));
    git.write("ci/penstock.toml", "[gate]\nfail-on = \"never\"\n");
    let head = git.commit("change");
    let mut review = Review::of(git.path()).pull_request(&head, &tip);
    review.arguments.settings = Some(git.at("ci/penstock.toml"));
    let assessment = review.run();
    assert_eq!(assessment.verdict(), Verdict::Failed);
    assert_eq!(
        changes(&assessment),
        ["`gate.fail-on` gains `never`", "`gate.new.high` loses `≤ 0, block, block when unknown`"]
    );
}

#[test]
fn another_secret_in_a_suppressed_place_counts() {
    let ignore = |git: &Fixture| git.write(".gitleaksignore", "debt:gitlab-pat:1\n");
    let (_, assessment) = change(ignore, |git| git.write("other", "x\n"));
    assert_eq!(told(&assessment), "existing suppressed debt:1");
    let (_, assessment) = change(ignore, |git| git.write("debt", leak(9)));
    assert_eq!(told(&assessment), "new debt:1");
    let (git, first) = change(|_| {}, |_| {});
    let fingerprint = &first.run.findings[0].fingerprints.primary;
    let suppress = format!("[[suppress]]\nfingerprint = \"{fingerprint}\"\nreason = \"known\"\n");
    drop(git);
    let (_, assessment) = change(|git| git.write("penstock.toml", &suppress), |git| git.write("other", "x\n"));
    assert_eq!(told(&assessment), "existing suppressed debt:1");
    let (_, assessment) = change(|git| git.write("penstock.toml", &suppress), |git| git.write("debt", leak(9)));
    assert_eq!(told(&assessment), "new debt:1");
    assert!(assessment.run.notices[0].text.contains("is not in the base"), "{:?}", assessment.run.notices);
    assert_eq!(assessment.verdict(), Verdict::Failed);
}

#[test]
fn text_of_the_repository_is_masked_where_it_is_told() {
    let (_, assessment) =
        change(|_| {}, |git| git.write("penstock.toml", format!("[scan]\nexclude = [\"{}\\u001b[2J\"]\n", token(5))));
    let told = format!("{:?}", assessment.run);
    assert!(!told.contains(&token(5)), "{told}");
    assert!(!changes(&assessment)[0].contains('\u{1b}'));
}
