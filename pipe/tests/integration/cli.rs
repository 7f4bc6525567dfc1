//! The command line: sources, exit codes, settings, and that the same input gives the same bytes.

use insta::assert_snapshot;

use crate::folder::{Folder, leak};
use crate::pack::{stored, zip};
use crate::run::Penstock;

/// A zip that breaks off: with `--archives` the run is incomplete.
fn broken_zip() -> Vec<u8> {
    let mut bytes = zip(&[stored("x", b"text")]);
    bytes.truncate(30);
    bytes
}

#[test]
fn exit_codes_come_in_their_order() {
    let code = |leaks: bool, is_broken: bool, arguments: &[&str]| {
        let folder = Folder::new();
        folder.write("plain", "text");
        if leaks {
            folder.write("leak.env", leak(1));
        }
        if is_broken {
            folder.write("broken.zip", broken_zip());
        }
        Penstock::scan().arg("--archives").args(arguments).dir(folder.path()).run().code
    };
    assert_eq!(code(false, false, &[]), 0);
    assert_eq!(code(true, false, &[]), 1);
    assert_eq!(code(false, true, &[]), 3);
    assert_eq!(code(true, true, &[]), 1, "a failed condition is told before what is unknown");
    assert_eq!(code(true, true, &["--rule", "nonsense"]), 2, "wrong usage comes before everything");
    assert_eq!(code(false, true, &["--allow-incomplete"]), 0);
    assert_eq!(code(true, true, &["--allow-incomplete"]), 1);
    assert_eq!(code(true, false, &["--fail-on", "never"]), 0);
    assert_eq!(code(true, true, &["--fail-on", "never"]), 3);
    assert_eq!(code(true, false, &["--fail-on", "any:critical"]), 1);
    assert_eq!(code(true, false, &["--fail-on", "sometimes"]), 2);
    assert_eq!(code(false, false, &["--no-such-flag"]), 2);
    assert_eq!(code(false, false, &["--max-file-size", "big"]), 2);
    assert_eq!(code(false, false, &["--threads", "0"]), 2);
    assert_eq!(code(false, false, &["--help"]), 0);
}

#[test]
fn a_wrong_setting_is_told_with_its_place() {
    let folder = Folder::new();
    folder
        .write("my.toml", "[scan]\nall-files = true\narchive = true\n[gate]\nfail-on = \"sometimes\"\ntoken = \"x\"\n");
    let run = Penstock::scan().args(["--settings", "my.toml"]).dir(folder.path()).run();
    assert_snapshot!(run.summary(), @r"
    exit 2
    error: my.toml:3:1: unknown key `archive`
    hint: did you mean `archives`?
    error: my.toml:5:11: `sometimes` is no condition: write `any:SEVERITY` or `new:SEVERITY` with one of critical, high, medium, low, info, or `never`
    error: my.toml:6:1: `token` is never read from this file
    hint: hosts, certificates and names of tokens come from flags and the environment only, so that nobody who may change this file can send anything anywhere
    ");
    let run = Penstock::scan().args(["--settings", "none.toml"]).dir(folder.path()).run();
    assert_snapshot!(run.summary(), @r"
    exit 2
    error: `none.toml` cannot be read
    cause: No such file or directory (os error 2)
    ");
    folder.write("penstock.toml", "[scan\n");
    assert_snapshot!(Penstock::scan().dir(folder.path()).run().summary(), @r"
    exit 2
    error: ./penstock.toml:1:6: unclosed table, expected `]`
    ");
}

#[test]
fn settings_of_the_root_hold_below_it() {
    let folder = Folder::repository();
    folder.write("penstock.toml", "[scan]\nexclude = [\"deep/vendor/**\"]\n");
    folder.write("deep/vendor/a", leak(1)).write("deep/b", leak(2));
    assert_snapshot!(Penstock::scan().dir(&folder.at("deep")).run().summary(), @r"
    exit 1
    deep/b:1 gitlab-pat
    ? 1 file: left out by the configuration
    ");
}

#[test]
fn an_unknown_rule_is_told_with_its_neighbour() {
    let folder = Folder::new();
    folder.write("leak.env", leak(1));
    let run = |rule: &str| Penstock::scan().args(["--rule", rule]).dir(folder.path()).run();
    assert_snapshot!(run("gitlab-pta").summary(), @r"
    exit 2
    error: there is no rule `gitlab-pta`
    hint: did you mean `gitlab-ptt`?
    ");
    assert_snapshot!(run("gitlab-pat").summary(), @r"
    exit 1
    leak.env:1 gitlab-pat
    ");
    assert_snapshot!(run("github-pat").summary(), @"exit 0");
}

#[test]
fn standard_input_has_a_name_and_a_limit() {
    let run = Penstock::scan().args(["--stdin", "--stdin-name", "app/.env"]).input(leak(1)).run();
    assert_snapshot!(run.summary(), @r"
    exit 1
    app/.env:1 gitlab-pat
    ");
    let long = format!("{}{}", leak(1), "x".repeat(2000));
    let run = Penstock::scan().args(["--stdin", "--max-file-size", "1kB"]).input(long).run();
    assert_snapshot!(run.summary(), @r"
    exit 1
    stdin:1 gitlab-pat
    ? stdin: only its first 1000 bytes were read, which is the limit
    ");
    assert_eq!(Penstock::scan().args(["--stdin", "path"]).run().code, 2);
    assert_eq!(Penstock::scan().arg("--stdin").run().code, 0);
}

#[test]
fn each_source_gives_what_it_should() {
    let folder = Folder::repository();
    folder.write("old.env", leak(1)).commit("first");
    folder.write("old.env", "nothing\n").write("kept.env", leak(2)).commit("second");
    folder.write("kept.env", format!("{}{}", leak(2), leak(3))).commit("third");
    folder.write("staged.env", leak(4)).git(&["add", "staged.env"]);
    folder.write("staged.env", "nothing\n").write("free.env", leak(5)).write("out.log", leak(6));
    folder.write(".gitignore", "*.log\n");
    let run = |arguments: &[&str]| Penstock::scan().args(arguments).dir(folder.path()).run().summary();
    assert_snapshot!(run(&[]), @r"
    exit 1
    free.env:1 gitlab-pat
    kept.env:1 gitlab-pat
    kept.env:2 gitlab-pat
    ");
    assert_snapshot!(run(&["--all-files"]), @r"
    exit 1
    free.env:1 gitlab-pat
    kept.env:1 gitlab-pat
    kept.env:2 gitlab-pat
    out.log:1 gitlab-pat
    ");
    assert_snapshot!(run(&["--staged"]), @r"
    exit 1
    staged.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&["--range", "HEAD~1..HEAD"]), @r"
    exit 1
    kept.env:2 gitlab-pat
    ");
    assert_snapshot!(run(&["--history"]), @r"
    exit 1
    kept.env:1 gitlab-pat
    kept.env:1 gitlab-pat
    kept.env:2 gitlab-pat
    old.env:1 gitlab-pat
    ");
    assert_snapshot!(run(&["--range", "HEAD~9..HEAD"]), @r"
    exit 2
    error: `HEAD~9` names no commit in this clone
    hint: check the spelling, or fetch the branch first
    ");
    assert_snapshot!(run(&["--range", "HEAD"]), @r"
    exit 2
    error: `HEAD` is not a range of commits
    hint: write `A..B`, such as `origin/main..HEAD`; use `--history` for everything
    ");
    assert_snapshot!(run(&["--history", "--staged"]).lines().next().unwrap(), @"exit 2");
}

#[test]
fn archives_are_opened_when_asked_for_in_every_source() {
    let folder = Folder::repository();
    folder.write("app.jar", zip(&[stored("META-INF/x.env", leak(1).as_bytes())])).commit("first");
    folder.write("app.jar", zip(&[stored("META-INF/y.env", leak(2).as_bytes())])).git(&["add", "-A"]);
    let run = |arguments: &[&str]| Penstock::scan().args(arguments).dir(folder.path()).run().findings();
    assert_eq!(run(&["--archives"]), ["app.jar!META-INF/y.env:1 gitlab-pat"]);
    assert_eq!(run(&["--archives", "--staged"]), ["app.jar!META-INF/y.env:1 gitlab-pat"]);
    assert_eq!(run(&["--archives", "--history"]), ["app.jar!META-INF/x.env:1 gitlab-pat"]);
    folder.commit("second");
    assert_eq!(run(&["--archives", "--range", "HEAD~1..HEAD"]), ["app.jar!META-INF/y.env:1 gitlab-pat"]);
}

#[test]
fn the_number_of_threads_leaves_no_trace() {
    let folder = Folder::repository();
    for n in 0..60 {
        folder.write(format!("{}/{n}.env", n % 7), format!("{}{}", leak(n), leak(n % 9)));
        folder.write(format!("{}/{n}.zip", n % 7), zip(&[stored("x.env", leak(n).as_bytes())]));
        folder.write(format!("{}/{n}.bad", n % 7), broken_zip());
    }
    folder.commit("all");
    for source in [&["--archives"][..], &["--history"]] {
        for format in ["json", "text", "jsonl", "sarif", "junit", "markdown"] {
            let run = |threads: &str| {
                let scan = Penstock::new().args(["scan", "--format", format, "--threads", threads]).args(source);
                let told = scan.dir(folder.path()).run();
                (told.code, told.stdout, told.stderr)
            };
            let first = run("1");
            assert_eq!(first.0, 1);
            assert!(first == run("4") && first == run("4"), "{source:?} as {format}");
        }
    }
}

#[test]
fn comments_allow_and_say_so() {
    let folder = Folder::new();
    let line = |seed: u64| leak(seed).trim_end().to_owned();
    folder.write("a.py", format!("{}  # penstock: allow used in a test\n", line(1)));
    folder.write("b.py", format!("# penstock: allow[gitlab-pat] the line below\n{}\n", line(2)));
    folder.write("c.py", format!("{}  # gitleaks:allow\n", line(3)));
    assert_snapshot!(Penstock::scan().dir(folder.path()).run().summary(), @r"
    exit 0
    (a.py:1 gitlab-pat)
    (b.py:2 gitlab-pat)
    (c.py:1 gitlab-pat)
    ");
    folder.write("d.py", format!("{}  # penstock: allow[github-pat] another kind\n", line(4)));
    assert_snapshot!(Penstock::scan().dir(folder.path()).run().summary(), @r"
    exit 1
    (a.py:1 gitlab-pat)
    (b.py:2 gitlab-pat)
    (c.py:1 gitlab-pat)
    d.py:1 gitlab-pat
    ");
}
