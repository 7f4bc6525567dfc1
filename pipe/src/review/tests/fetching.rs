//! Bases that must be fetched first.

use super::*;

/// A repository with a long history on `main`, and a `topic` of some commits that left it long ago.
fn long(before: usize, source: usize, after: usize) -> (Fixture, String, String, String) {
    let git = Fixture::new();
    git.write("debt", leak(1));
    git.commit("begin");
    let grow = |name: &str, commits: usize| {
        for number in 0..commits {
            git.write(name, format!("{number}\n"));
            git.commit(name);
        }
    };
    grow("before", before);
    let fork = git.git(&["rev-parse", "HEAD"]);
    git.git(&["checkout", "-q", "-b", "topic"]);
    git.write("brief", leak(2));
    git.commit("adds");
    std::fs::remove_file(git.at("brief")).unwrap();
    grow("source", source);
    git.write("mine", leak(3));
    let head = git.commit("change");
    git.git(&["checkout", "-q", "main"]);
    git.write("theirs", leak(4));
    grow("after", after);
    let tip = git.git(&["rev-parse", "HEAD"]);
    (git, fork, head, tip)
}

fn shallow(origin: &Fixture, depth: &str, branch: &str) -> Fixture {
    let clones = Fixture::empty();
    let url = format!("file://{}", origin.path().display());
    clones.git(&["clone", "-q", "--depth", depth, "--branch", branch, &url, "clone"]);
    clones
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => todo.push(entry.path()),
                false => found.push((entry.path(), std::fs::read(entry.path()).unwrap())),
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_a_shallow_clone_lacks_is_fetched_and_the_clone_stays_as_it_is() {
    for (before, source, after, depth) in [(5, 1, 3, "1"), (5, 3, 60, "50"), (2, 70, 60, "10"), (60, 2, 2, "2")] {
        let (origin, fork, head, tip) = long(before, source, after);
        let clones = shallow(&origin, depth, "topic");
        let clone = clones.at("clone");
        let as_it_was = files(&clone);
        let remote = Local::new(&origin);
        let assessment = Review::of(&clone).pull_request(&head, &tip[..12]).remote(&remote).run();
        assert_eq!(kind(&assessment), BaseKind::MergeBase, "{}", reason(&assessment));
        assert_eq!(base_commit(&assessment), fork);
        assert_eq!(told(&assessment), "existing debt:1\nnew mine:1\nleaked brief:1 by adds");
        assert!(assessment.run.complete());
        assert!(files(&clone) == as_it_was, "the clone was written to");
        assert!(remote.asked.borrow().contains(&format!("commit {}", &tip[..12])));
    }
}

#[test]
fn a_full_clone_of_one_branch_lacks_only_the_destination() {
    let (origin, fork, head, tip) = long(5, 2, 3);
    let clones = Fixture::empty();
    let url = format!("file://{}", origin.path().display());
    clones.git(&["clone", "-q", "--single-branch", "--branch", "topic", &url, "clone"]);
    let remote = Local::new(&origin);
    let assessment = Review::of(&clones.at("clone")).pull_request(&head, &tip).remote(&remote).run();
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::MergeBase, fork.as_str()));
    let posts = remote.asked.borrow().iter().filter(|asked| **asked == "git fetch").count();
    assert_eq!(posts, 1);
}

#[test]
fn the_main_branch_is_asked_for_by_its_name() {
    let (origin, fork, head, _) = long(3, 1, 2);
    let clones = shallow(&origin, "1", "topic");
    let remote = Local::new(&origin);
    let assessment = Review::of(&clones.at("clone")).branch(&head, "topic").remote(&remote).run();
    assert_eq!((kind(&assessment), base_commit(&assessment)), (BaseKind::MergeBase, fork.as_str()));
    let review = Review { main_branch: Some("trunk"), ..Review::of(&clones.at("clone")).branch(&head, "topic") };
    let assessment = review.remote(&remote).run();
    assert_eq!(kind(&assessment), BaseKind::Unknown);
    assert!(reason(&assessment).contains("no branch `trunk`"), "{}", reason(&assessment));
}

#[test]
fn the_parent_of_a_clone_of_one_commit_is_fetched() {
    let (origin, _, _, tip) = long(1, 1, 2);
    let clones = shallow(&origin, "1", "main");
    let remote = Local::new(&origin);
    let review = Review { main_branch: Some("main"), ..Review::of(&clones.at("clone")).branch(&tip, "main") };
    let assessment = review.remote(&remote).run();
    assert_eq!(kind(&assessment), BaseKind::FirstParent, "{}", reason(&assessment));
    assert_eq!(told(&assessment), "existing debt:1\nexisting theirs:1");
}

#[test]
fn histories_that_have_nothing_in_common_do_not_meet() {
    let (origin, _, head, _) = long(1, 1, 1);
    origin.git(&["checkout", "-q", "--orphan", "other"]);
    let tip = origin.commit("other");
    let clones = shallow(&origin, "1", "topic");
    let remote = Local::new(&origin);
    let assessment = Review::of(&clones.at("clone")).pull_request(&head, &tip).remote(&remote).run();
    assert_eq!(kind(&assessment), BaseKind::Unknown, "{}", reason(&assessment));
    assert!(reason(&assessment).contains("do not meet"), "{}", reason(&assessment));
}
