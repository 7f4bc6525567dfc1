//! Which files a command selects, in every source, and which the configuration excludes.

use insta::assert_snapshot;

use crate::expand::expand;
use crate::folder::{Folder, leak};
use crate::run::Penstock;

fn run(folder: &Folder, at: &str, arguments: &[&str]) -> String {
    Penstock::scan().args(arguments).dir(&folder.at(at)).run().summary()
}

/// A history with secrets in two folders, and one deleted file.
fn repository() -> Folder {
    let folder = Folder::repository();
    folder.write("one/a.env", leak(1)).write("two/b.env", leak(2)).write("two/gone.env", leak(3)).commit("first");
    std::fs::remove_file(folder.at("two/gone.env")).unwrap();
    folder.write("one/a.env", format!("{}{}", leak(1), leak(4))).commit("second");
    folder.write("one/staged.env", leak(5)).write("two/staged.env", leak(6)).git(&["add", "-A"]);
    folder
}

#[test]
fn every_source_looks_at_the_paths_that_are_named() {
    let folder = repository();
    assert_snapshot!(run(&folder, ".", &["--staged", "one"]), @r"
    exit 1
    one/staged.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&folder, "two", &["--staged", "."]), @r"
    exit 1
    two/staged.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&folder, ".", &["--staged", "one", "two/staged.env"]), @r"
    exit 1
    one/staged.env:1 gitlab-pat
    two/staged.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&folder, ".", &["--range", "HEAD~1..HEAD", "one"]), @r"
    exit 1
    one/a.env:2 gitlab-pat
    ");
    assert_snapshot!(run(&folder, "two", &["--history", "../two"]), @r"
    exit 1
    two/b.env:1 gitlab-pat
    two/gone.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&folder, ".", &["--history", "two/gone.env"]), @r"
    exit 1
    two/gone.env:1 gitlab-pat
    ");
    // Without a PATH, and with the root as one, it is the whole repository from any folder of it.
    for all in [&[][..], &[".."]] {
        let staged = Penstock::scan().arg("--staged").args(all).dir(&folder.at("two")).run();
        assert_eq!(staged.findings(), ["one/staged.env:1 gitlab-pat", "two/staged.env:1 gitlab-pat"]);
    }
}

#[test]
fn a_path_that_does_not_exist_is_an_error() {
    let folder = repository();
    for source in [&["--staged"][..], &["--history"], &["--range", "HEAD~1..HEAD"], &[]] {
        let told = Penstock::scan().args(source).arg("one/typo.env").dir(folder.path()).run();
        assert_eq!(told.code, 2, "{source:?}: {}", told.summary());
        assert!(told.stderr.contains("`one/typo.env` does not exist"), "{}", told.stderr);
    }
    let other = Folder::repository();
    let outside = other.path().to_str().unwrap();
    let told = Penstock::scan().args(["--staged", "one", outside]).dir(folder.path()).run();
    assert_eq!(told.code, 2, "{}", told.summary());
    assert!(told.stderr.contains("name paths of one repository"), "{}", told.stderr);
}

#[test]
fn in_a_subfolder_nothing_elsewhere_is_leaked_or_fixed() {
    let folder = Folder::repository();
    folder.write("one/a", "nothing\n").write("two/b.env", leak(1)).commit("base");
    folder.write("two/new.env", leak(2)).write("one/moved.env", leak(3)).commit("second");
    folder.write("two/b.env", "nothing\n").git(&["mv", "one/moved.env", "two/moved.env"]);
    folder.commit("third");
    let compared = |at: &str, paths: &[&str]| {
        let told = Penstock::scan().args(["--base", "HEAD~2"]).args(paths).dir(&folder.at(at)).run();
        let comparison = told.json()["comparison"].clone();
        let paths = |list: &str| {
            let list = comparison[list].as_array().cloned().unwrap_or_default();
            list.iter().map(|one| one["location"]["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        (told.findings(), paths("leaked"), paths("fixed"))
    };
    let nothing = Vec::<String>::new();
    assert_eq!(compared("one", &[]), (nothing.clone(), nothing.clone(), nothing.clone()));
    assert_eq!(compared(".", &["one"]), (nothing.clone(), nothing.clone(), nothing.clone()));
    let two = vec!["two/moved.env:1 gitlab-pat".to_owned(), "two/new.env:1 gitlab-pat".to_owned()];
    assert_eq!(compared("two", &[]), (two, nothing, vec!["two/b.env".to_owned()]));
}

#[test]
fn halves_of_a_secret_elsewhere_are_not_leaked() {
    let id = expand("aws_access_key_id = AKIA{{b32:16}}", 1);
    let secret = expand("aws_secret_access_key = {{b64:40}}", 2);
    let folder = Folder::repository();
    folder.write("one/a", "nothing\n").commit("base");
    folder.write("one/keys", format!("{id}\n{secret}\n")).commit("second");
    std::fs::remove_file(folder.at("one/keys")).unwrap();
    folder.write("id", &id).write("secret", &secret).commit("third");
    let compared = Penstock::scan().args(["--base", "HEAD~2"]).dir(&folder.at("one")).run().json();
    assert_eq!(compared["comparison"].get("leaked"), None);
    // One of the halves is enough.
    folder.write("secret", "nothing\n").commit("fourth");
    let compared = Penstock::scan().args(["--base", "HEAD~3"]).dir(&folder.at("one")).run().json();
    assert_eq!(compared["comparison"]["leaked"].as_array().map(Vec::len), Some(1));
}

#[test]
fn patterns_leave_out_in_every_source_before_anything_is_read() {
    let folder = Folder::repository();
    folder.write("penstock.toml", "[scan]\nexclude = [\"vendor/\", \"!vendor/keep.env\", \"*.min.js\"]\n");
    folder.write("vendor/keep.env", leak(1)).write("deep/vendor/x.env", leak(2)).write("x.min.js", leak(3));
    folder.write("vendor/large", vec![b'x'; 11_000_000]).write("kept.env", leak(4)).commit("first");
    let tree = run(&folder, ".", &[]);
    assert_snapshot!(tree, @r"
    exit 1
    kept.env:1 gitlab-pat
    ? 4 files: left out by the configuration
    ");
    assert_snapshot!(run(&folder, ".", &["--range", "HEAD..HEAD", "kept.env"]), @"exit 0");
    assert_snapshot!(run(&folder, ".", &["--history", "kept.env", "x.min.js"]), @r"
    exit 1
    kept.env:1 gitlab-pat
    ? 1 file: left out by the configuration
    ");
    folder.write("vendor/more.env", leak(5)).write("kept.env", leak(6)).git(&["add", "-A"]);
    assert_snapshot!(run(&folder, ".", &["--staged"]), @r"
    exit 1
    kept.env:1 gitlab-pat
    ? 1 file: left out by the configuration
    ");
}

#[test]
fn an_unused_pattern_is_reported_by_a_full_scan() {
    let folder = Folder::repository();
    folder.write("penstock.toml", "[scan]\nexclude = [\"vendor/\", \"./none/**\"]\n");
    folder.write("vendor/x", "x").write("sub/y", "y").commit("first");
    let notices = |at: &str, arguments: &[&str]| {
        let told = Penstock::scan().args(arguments).dir(&folder.at(at)).run().json();
        let notices = told["notices"].as_array().cloned().unwrap_or_default();
        let notices = notices.iter().filter(|one| one["subject"] == "scan.exclude");
        notices.map(|one| one["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let unused = ["`./none/**` matches no file, so it leaves out nothing"];
    assert_eq!(notices(".", &[]), unused);
    assert_eq!(notices("sub", &[".."]), unused);
    for (at, arguments) in [("sub", &[][..]), (".", &["sub"]), (".", &["--staged"]), (".", &["--history"])] {
        assert_eq!(notices(at, arguments), Vec::<String>::new(), "{at} {arguments:?}");
    }
    folder.write("penstock.toml", "[scan]\nexclude = [\"vendor/\", \"a[\", \"# no\"]\n");
    assert_snapshot!(run(&folder, ".", &[]), @r"
    exit 2
    error: [dir]/penstock.toml:2:23: `a[` is no pattern as in `.gitignore`: unclosed character class; missing ']'
    error: [dir]/penstock.toml:2:29: `# no` is no pattern as in `.gitignore`: it names nothing: it is blank, or begins with `#` and is a comment
    ");
}

#[test]
fn nothing_in_a_commit_is_exempt() {
    let folder = Folder::repository();
    folder.write(".bitbucket/pipelines/generated/x.env", leak(1)).commit("first");
    folder.write(".bitbucket/pipelines/generated/step.env", leak(2));
    for arguments in [&[][..], &["--all-files"], &["--history"], &["--range", "HEAD...HEAD"], &[".bitbucket"]] {
        let found = Penstock::scan().args(arguments).dir(folder.path()).run().findings();
        let expected: &[&str] =
            if arguments.contains(&"--range") { &[] } else { &[".bitbucket/pipelines/generated/x.env:1 gitlab-pat"] };
        assert_eq!(found, expected, "{arguments:?}");
    }
}
