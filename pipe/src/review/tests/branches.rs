//! Branches, the main branch, tags, first commits, and bases that are given.

use super::*;

#[test]
fn a_branch_is_compared_with_where_it_left_the_main_one() {
    let origin = Fixture::new();
    origin.write("debt", leak(1));
    let fork = origin.commit("begin");
    origin.git(&["checkout", "-q", "-b", "topic"]);
    origin.write("mine", leak(2));
    let head = origin.commit("change");
    let review = || Review::of(origin.path()).branch(&head, "topic");
    let assessment = Review { main_branch: Some("main"), ..review() }.run();
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1");
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::MergeBase, fork.as_str()));

    let clones = Fixture::empty();
    clones.git(&["clone", "-q", origin.path().to_str().unwrap(), "clone"]);
    let clone = clones.at("clone");
    // What `origin/HEAD` says.
    clones.git(&["-C", clone.to_str().unwrap(), "remote", "set-head", "origin", "main"]);
    let assessment = Review::of(&clone).branch(&head, "topic").run();
    assert_eq!(base_commit(&assessment), fork);

    // What Bitbucket says.
    let remote = Local::new(&origin);
    assert_eq!(base_commit(&review().remote(&remote).run()), fork);
    let assessment = review().run();
    assert_eq!(kind(&assessment), BaseKind::Unknown);
    assert_eq!(assessment.run.comparison.unwrap().base.hint, "set `MAIN_BRANCH`");
}

#[test]
fn the_main_branch_is_compared_with_what_passed_last() {
    let git = Fixture::new();
    git.write("debt", leak(1));
    let first = git.commit("first");
    git.write("second", leak(2));
    let second = git.commit("second");
    git.write("third", leak(3));
    let third = git.commit("third");
    let mut remote = Local::new(&git);
    let review = || Review { main_branch: Some("main"), ..Review::of(git.path()).branch(&third, "main") };

    let assessment = review().run();
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::FirstParent, second.as_str()));
    assert!(reason(&assessment).contains("weak"));
    assert_eq!(told(&assessment), "existing debt:1\nexisting second:1\nnew third:1");

    remote.passed.push(first.clone());
    let assessment = review().remote(&remote).run();
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::LastPassed, first.as_str()));
    assert_eq!(told(&assessment), "existing debt:1\nnew second:1\nnew third:1");

    remote.offline = true;
    let assessment = review().remote(&remote).run();
    assert_eq!(kind(&assessment), BaseKind::FirstParent);
    assert!(assessment.run.comparison.unwrap().base.hint.contains("the network is down"));

    let assessment = review().base(&first).run();
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::Given, first.as_str()));
}

#[test]
fn nothing_is_new_in_a_tag_or_in_the_first_commit() {
    let git = Fixture::new();
    git.write("debt", leak(1));
    let first = git.commit("first");
    let tag = Review::of(git.path()).variable("BITBUCKET_COMMIT", &*first).variable("BITBUCKET_TAG", "v1");
    let root = Review { main_branch: Some("main"), ..Review::of(git.path()).branch(&first, "main") };
    for review in [tag, root] {
        let assessment = review.run();
        assert_eq!(kind(&assessment), BaseKind::NotApplicable);
        assert_eq!(outcome(&assessment, "new.high"), Outcome::NotApplicable);
        assert_eq!(assessment.verdict(), Verdict::Passed);
        assert_eq!(told(&assessment), "found debt:1");
    }
}

#[test]
fn a_work_tree_is_compared_with_the_base_that_is_given() {
    let git = Fixture::new();
    git.write("debt", leak(1));
    git.write("sub/debt", leak(2));
    git.write("gone", leak(3));
    git.commit("begin");
    git.write("mine", leak(4));
    git.commit("change");
    git.write("unsaved", leak(5));
    git.write("sub/debt", format!("# more\n{}", leak(2)));
    std::fs::remove_file(git.at("gone")).unwrap();
    let assessment = Review::of(git.path()).base("HEAD~").run();
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1\nexisting sub/debt:2\nnew unsaved:1\nfixed gone:1");
    assert_eq!(reason(&assessment), "given by `--base` `HEAD~`");
    // Only what lies in the places that are looked at is compared.
    let assessment = Review::of(&git.at("sub")).base("HEAD~").run();
    assert_eq!(told(&assessment), "existing sub/debt:2");
    let error = Review::of(git.path()).base("nowhere").try_run().unwrap_err();
    assert_eq!(error.code(), 2);
}

#[test]
fn what_was_written_after_git_looked_is_read_again() {
    let git = Fixture::new();
    git.write("file", leak(1));
    git.commit("begin");
    // The same length, so that only the time of writing can tell.
    git.write("file", leak(2));
    assert_eq!(told(&Review::of(git.path()).base("HEAD").run()), "new file:1\nfixed file:1");
}

#[test]
fn what_is_new_can_only_be_asked_for_with_a_base() {
    let git = Fixture::new();
    git.commit("begin");
    let mut review = Review::of(git.path());
    review.arguments.fail_on = vec![FailOn::New(penstock_common::Severity::High)];
    let error = review.try_run().unwrap_err();
    assert_eq!(error.code(), 2);
    assert!(error.render().contains("--base"), "{}", error.render());
}
