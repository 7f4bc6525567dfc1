//! Pull requests: merge base, debt of the destination, values, renames, leaks, and what takes the place of a base that is out of reach.

use super::*;

/// A repository whose `topic` left `main`, which went on. Ids of the commit where it left, of the source, and of the destination.
fn forked(source: impl FnOnce(&Fixture), destination: impl FnOnce(&Fixture)) -> (Fixture, [String; 3]) {
    let git = Fixture::new();
    git.write("debt", leak(1));
    git.write("quiet", "nothing\n");
    let fork = git.commit("begin");
    git.git(&["checkout", "-q", "-b", "topic"]);
    source(&git);
    let head = git.commit("change");
    git.git(&["checkout", "-q", "main"]);
    destination(&git);
    let tip = git.commit("meanwhile");
    git.git(&["checkout", "-q", "topic"]);
    (git, [fork, head, tip])
}

#[test]
fn what_the_source_adds_is_new_and_what_it_takes_away_is_fixed() {
    let (git, [fork, head, tip]) = forked(
        |git| {
            git.write("added", leak(2));
            git.write("quiet", format!("nothing\n{}", leak(3)));
            std::fs::remove_file(git.at("debt")).unwrap();
        },
        |git| git.write("later", leak(4)),
    );
    let assessment = Review::of(git.path()).pull_request(&head, &tip[..12]).run();
    assert_eq!(told(&assessment), "new added:1\nnew quiet:2\nfixed debt:1");
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::MergeBase, fork.as_str()));
    assert_eq!(reason(&assessment), "merge base with `main`");
    assert_eq!(assessment.verdict(), Verdict::Failed);
    assert_eq!(assessment.run.subject.as_ref(), None, "workspace and repository are not known");
}

#[test]
fn the_commit_is_looked_at_and_not_the_work_tree() {
    let (git, [_, head, tip]) = forked(|git| git.write("added", "nothing\n"), |_| {});
    git.write("left-over", leak(5));
    git.write(".bitbucket/pipelines/generated/pipe", leak(6));
    let assessment = Review::of(git.path()).pull_request(&head, &tip).run();
    assert_eq!(told(&assessment), "existing debt:1");
    assert_eq!(assessment.verdict(), Verdict::Passed);
}

#[test]
fn debt_that_a_shallow_clone_merged_does_not_appear() {
    let origin = Fixture::new();
    origin.write("debt", leak(1));
    origin.commit("begin");
    for number in 0..60 {
        origin.write("log", format!("{number}\n"));
        origin.commit("filler");
    }
    origin.git(&["checkout", "-q", "-b", "topic"]);
    origin.write("mine", leak(2));
    let head = origin.commit("change");
    origin.git(&["checkout", "-q", "main"]);
    origin.write("theirs", leak(3));
    origin.write("log", leak(4));
    let tip = origin.commit("debt of the destination");
    let clones = Fixture::empty();
    let url = format!("file://{}", origin.path().display());
    clones.git(&["clone", "-q", "--depth", "50", "--branch", "topic", &url, "clone"]);
    let clone = clones.at("clone");
    let here = clone.to_str().unwrap();
    clones.git(&["-C", here, "fetch", "-q", "--depth", "50", "origin", "main"]);
    clones.git(&["-C", here, "merge", "-q", "-m", "merge", "FETCH_HEAD"]);
    assert!(clone.join("theirs").exists());
    let assessment = Review::of(&clone).pull_request(&head, &tip[..12]).run();
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1");
    assert_eq!(kind(&assessment), BaseKind::MergeBase);
    assert!(assessment.run.complete());
}

#[test]
fn debt_that_the_source_merged_itself_is_neither_new_nor_leaked() {
    let (git, [.., tip]) = forked(
        |git| git.write("mine", leak(2)),
        |git| {
            git.write("theirs", leak(3));
            git.write("quiet", leak(4));
            git.commit("debt");
            git.write("quiet", "nothing again\n");
        },
    );
    git.git(&["merge", "-q", "-m", "catch up", "main"]);
    let head = git.git(&["rev-parse", "HEAD"]);
    git.git(&["checkout", "-q", "main"]);
    git.write("later", "x\n");
    let newer = git.commit("later");
    let assessment = Review::of(git.path()).pull_request(&head, &newer).run();
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1\nexisting theirs:1");
    assert_eq!(base_commit(&assessment), tip);
    assert_eq!(outcome(&assessment, "leaked.total"), Outcome::Passed);
}

#[test]
fn another_value_on_the_same_line_is_new() {
    let (git, [_, head, tip]) = forked(|git| git.write("debt", leak(9)), |_| {});
    let assessment = Review::of(git.path()).pull_request(&head, &tip).run();
    assert_eq!(told(&assessment), "new debt:1\nfixed debt:1");
    let run = &assessment.run;
    let fixed = &run.comparison.as_ref().unwrap().fixed[0];
    assert_eq!(run.findings[0].fingerprints, fixed.fingerprints, "the fingerprint alone would not tell");
}

#[test]
fn lines_that_move_and_files_that_are_renamed_keep_what_existed() {
    let (git, [_, head, tip]) = forked(
        |git| {
            git.git(&["mv", "debt", "moved-there"]);
            git.write("moved-there", format!("# a line\n\n{}", leak(1)));
            git.write("quiet", format!("{}{}", leak(7), "nothing\n"));
        },
        |_| {},
    );
    let assessment = Review::of(git.path()).pull_request(&head, &tip).run();
    assert_eq!(told(&assessment), "existing moved-there:3\nnew quiet:1");
    let copied = forked(|git| git.write("copy", leak(1)), |_| {});
    let assessment = Review::of(copied.0.path()).pull_request(&copied.1[1], &copied.1[2]).run();
    assert_eq!(told(&assessment), "new copy:1\nexisting debt:1");
}

#[test]
fn what_is_added_and_removed_again_has_leaked() {
    let (git, _) = forked(
        |git| {
            git.write("brief", leak(2));
            git.write("debt", format!("{}{}", leak(1), leak(3)));
            git.commit("adds");
            std::fs::remove_file(git.at("brief")).unwrap();
            git.write("debt", leak(1));
        },
        |_| {},
    );
    let head = git.git(&["rev-parse", "topic"]);
    let assessment = Review::of(git.path()).pull_request(&head, &git.git(&["rev-parse", "main"])).run();
    assert_eq!(told(&assessment), "existing debt:1\nleaked brief:1 by adds\nleaked debt:2 by adds");
    let leaked = &assessment.run.comparison.as_ref().unwrap().leaked[0];
    assert!(
        leaked.message.starts_with(&format!("removed in {}, still leaked: revoke it", &head[..12])),
        "{}",
        leaked.message
    );
    assert_eq!(outcome(&assessment, "leaked.total"), Outcome::Failed);
    assert_eq!(assessment.verdict(), Verdict::Passed, "it warns");
    assert!(!format!("{:?}", assessment.run).contains(&token(2)));
}

#[test]
fn a_secret_that_only_moved_has_not_leaked() {
    let (git, _) = forked(
        |git| {
            git.write("first", leak(2));
            git.commit("adds");
            git.git(&["mv", "first", "second"]);
        },
        |_| {},
    );
    let (head, tip) = (git.git(&["rev-parse", "topic"]), git.git(&["rev-parse", "main"]));
    assert_eq!(told(&Review::of(git.path()).pull_request(&head, &tip).run()), "existing debt:1\nnew second:1");
}

#[test]
fn what_the_change_allows_by_a_comment_counts_for_itself() {
    let allowed = |seed| leak(seed).replace('\n', " # penstock: allow because\n");
    let (git, [_, head, tip]) = forked(
        |git| {
            git.write("fresh", allowed(2));
            git.write("debt", allowed(1));
        },
        |_| {},
    );
    let assessment = Review::of(git.path()).pull_request(&head, &tip).run();
    assert_eq!(told(&assessment), "new suppressed debt:1\nnew suppressed fresh:1");
    assert_eq!(outcome(&assessment, "new.allowed"), Outcome::Failed);
    assert_eq!(outcome(&assessment, "new.high"), Outcome::Passed);
    assert_eq!(assessment.verdict(), Verdict::Passed);
}

/// A clone that has the source and the tip of the destination, merged, and nothing before.
fn cut_off(origin: &Fixture, merged: bool) -> Fixture {
    let clones = Fixture::empty();
    let url = format!("file://{}", origin.path().display());
    clones.git(&["clone", "-q", "--depth", "1", "--branch", "topic", &url, "clone"]);
    if merged {
        let clone = clones.at("clone");
        let here = clone.to_str().unwrap();
        clones.git(&["-C", here, "fetch", "-q", "--depth", "1", "origin", "main"]);
        // What git would make of the two, were it to know where they parted.
        let tree = origin.git(&["merge-tree", "--write-tree", "topic", "main"]);
        origin.git(&["tag", "-f", "merged", &tree]);
        clones.git(&["-C", here, "fetch", "-q", "--depth", "1", "origin", "refs/tags/merged"]);
        let merge = clones.git(&[
            "-C",
            here,
            "commit-tree",
            &tree,
            "-p",
            "HEAD",
            "-p",
            "refs/remotes/origin/main",
            "-m",
            "merge",
        ]);
        clones.git(&["-C", here, "reset", "-q", "--hard", &merge]);
    }
    clones
}

#[test]
fn without_a_merge_base_only_files_count_that_the_source_changed() {
    let (origin, [_, head, tip]) = forked(|git| git.write("mine", leak(2)), |git| git.write("debt", "paid\n"));
    let clones = cut_off(&origin, false);
    let clone = clones.at("clone");
    clones.git(&[
        "-C",
        clone.to_str().unwrap(),
        "fetch",
        "-q",
        "--depth",
        "1",
        "origin",
        "main:refs/remotes/origin/main",
    ]);
    let assessment = Review::of(&clone).pull_request(&head, &tip).run();
    assert_eq!(kind(&assessment), BaseKind::DestinationTip);
    assert_eq!(told(&assessment), "new debt:1\nnew mine:1", "without a merge nobody knows who paid the debt");
    assert!(reason(&assessment).contains("may count as new"));
    let tree = origin.git(&["merge-tree", "--write-tree", "topic", "main"]);
    let here = clone.to_str().unwrap();
    for object in ["mine", "debt", "quiet"] {
        let blob = origin.git(&["rev-parse", &format!("{tree}:{object}")]);
        std::fs::write(clone.join("blob"), origin.git(&["cat-file", "blob", &blob]) + "\n").unwrap();
        clones.git(&["-C", here, "hash-object", "-w", "blob"]);
    }
    std::fs::remove_file(clone.join("blob")).unwrap();
    std::fs::write(clone.join("debt"), "paid\n").unwrap();
    clones.git(&["-C", here, "add", "-A"]);
    let tree = clones.git(&["-C", here, "write-tree"]);
    let merge = clones.git(&["-C", here, "commit-tree", &tree, "-p", &head, "-p", &tip, "-m", "merge"]);
    clones.git(&["-C", here, "reset", "-q", "--hard", &merge]);
    let assessment = Review::of(&clone).pull_request(&head, &tip).run();
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1");
    assert_eq!(outcome(&assessment, "leaked.total"), Outcome::Unknown);
    assert_eq!(assessment.verdict(), Verdict::Failed);
}

#[test]
fn without_objects_the_lines_count_that_bitbucket_says_were_changed() {
    let (origin, [_, head, tip]) = forked(|git| git.write("quiet", format!("nothing\n{}", leak(2))), |_| {});
    let clones = cut_off(&origin, false);
    let mut remote = Local::new(&origin);
    remote.diff = Some("diff --git a/quiet b/quiet\n--- a/quiet\n+++ b/quiet\n@@ -1 +1,2 @@\n nothing\n+token\n");
    // The git server does not answer, the REST API does.
    struct NoGit<'l>(&'l Local<'l>);
    impl Remote for NoGit<'_> {
        fn main_branch(&self) -> Result<String, RemoteError> {
            self.0.main_branch()
        }
        fn commit(&self, id: &str) -> Result<String, RemoteError> {
            self.0.commit(id)
        }
        fn pull_request_diff(&self, id: u64, limit: u64) -> Result<Vec<u8>, RemoteError> {
            self.0.pull_request_diff(id, limit)
        }
        fn passed(&self, commit: &str) -> Result<bool, RemoteError> {
            self.0.passed(commit)
        }
        fn git<'a>(&'a self, _: Option<Vec<u8>>) -> Result<Box<dyn Read + Send + 'a>, RemoteError> {
            Err(RemoteError("403".to_owned()))
        }
    }
    let assessment = Review::of(&clones.at("clone")).pull_request(&head, &tip).remote(&NoGit(&remote)).run();
    assert_eq!(kind(&assessment), BaseKind::Diff);
    assert_eq!(told(&assessment), "existing debt:1\nnew quiet:2");
}

#[test]
fn without_any_base_the_gate_does_not_open() {
    let (origin, [_, head, tip]) = forked(|git| git.write("mine", "fine\n"), |_| {});
    let clones = cut_off(&origin, false);
    let mut remote = Local::new(&origin);
    remote.offline = true;
    for remote in [None, Some(&remote as &dyn Remote)] {
        let review = Review { remote, ..Review::of(&clones.at("clone")).pull_request(&head, &tip) };
        let assessment = review.run();
        assert_eq!(kind(&assessment), BaseKind::Unknown);
        assert_eq!(assessment.verdict(), Verdict::Unknown);
        let condition = &assessment.run.gate.as_ref().unwrap().conditions[0];
        assert!(condition.reason.contains("clone: depth: full"), "{}", condition.reason);
        assert_eq!(told(&assessment), "found debt:1");
    }
}

#[test]
fn a_head_that_is_not_here_is_told() {
    let (git, [_, _, tip]) = forked(|git| git.write("mine", leak(2)), |_| {});
    let assessment = Review::of(git.path()).pull_request(&"1".repeat(40), &tip).run();
    assert_eq!(told(&assessment), "existing debt:1\nnew mine:1");
    assert!(assessment.run.notices[0].text.contains("the work tree is looked at in its place"));
}

#[test]
fn without_a_clone_there_is_nothing_to_look_at() {
    let empty = Fixture::empty();
    let error = Review::of(empty.path()).pull_request(&"1".repeat(40), &"2".repeat(40)).try_run().unwrap_err();
    assert_eq!(error.code(), 2);
    assert!(error.render().contains("clone: enabled: false"), "{}", error.render());
}
