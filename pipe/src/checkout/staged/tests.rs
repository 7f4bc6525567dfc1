use super::super::Trust;
use super::super::fixture::{Fixture, Recorder, seen};
use super::*;

/// Path, content and lines.
type Told = (String, String, Option<Vec<(u32, u32)>>);

fn staged_in(git: &Fixture) -> (Vec<Told>, Coverage) {
    let repository = Repository::discover(git.path(), &Trust::default()).unwrap();
    let (visitors, coverage) =
        scan(&repository, &Places::default(), &Limits::default(), None, Recorder::default).unwrap();
    (seen(visitors).into_iter().map(|seen| (seen.path, seen.text, seen.lines)).collect(), coverage)
}

fn item(path: &str, text: &str, lines: Option<&[(u32, u32)]>) -> Told {
    (path.to_owned(), text.to_owned(), lines.map(<[_]>::to_vec))
}

#[test]
fn takes_everything_before_the_first_commit() {
    let git = Fixture::new();
    assert_eq!(staged_in(&git).0, []);
    git.write("a", "1\n");
    git.write("unstaged", "1\n");
    git.git(&["add", "a"]);
    assert_eq!(staged_in(&git).0, [item("a", "1\n", None)]);
}

#[test]
fn takes_what_is_staged_not_what_is_on_disk() {
    let git = Fixture::new();
    git.write("same", "1\n");
    git.write("changed", "1\n2\n");
    git.write("moved", "m\n");
    git.write("removed", "r\n");
    git.commit("base");
    git.write("changed", "1\nstaged\n2\n");
    git.write("new", "n\n");
    git.git(&["mv", "moved", "elsewhere"]);
    git.git(&["rm", "-q", "removed"]);
    git.git(&["add", "."]);
    git.write("changed", "1\n2\n");
    git.write("same", "unstaged\n");
    git.write("intended", "i\n");
    git.git(&["add", "-N", "intended"]);
    let (items, coverage) = staged_in(&git);
    assert_eq!(items, [item("changed", "1\nstaged\n2\n", Some(&[(2, 2)])), item("new", "n\n", None)]);
    assert_eq!((coverage.files, coverage.skipped.len()), (2, 0));
}

#[test]
fn takes_both_sides_of_a_conflict() {
    let git = Fixture::new();
    git.write("file", "1\n");
    git.commit("base");
    git.git(&["checkout", "-q", "-b", "side"]);
    git.write("file", "side\n");
    git.commit("side");
    git.git(&["checkout", "-q", "main"]);
    git.write("file", "main\n");
    git.commit("main");
    git.git(&["read-tree", "-m", "main~1", "main", "side"]);
    assert_eq!(staged_in(&git).0, [item("file", "side\n", Some(&[(1, 1)]))]);
}

#[test]
fn needs_a_work_tree() {
    let git = Fixture::new();
    git.commit("base");
    git.git(&["clone", "-q", "--bare", ".", "bare"]);
    let repository = Repository::discover(&git.at("bare"), &Trust::default()).unwrap();
    assert!(matches!(
        scan(&repository, &Places::default(), &Limits::default(), None, Recorder::default),
        Err(Error::NoWorkTree { .. })
    ));
}
