//! A run that read nothing says so, and passes only if there was nothing to read.

use std::fs;

use penstock_sandbox::{Commit, Sandbox};

use crate::folder::{Folder, leak};
use crate::run::{Penstock, Told};

/// How such a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    /// There was nothing to read: exit 0.
    Nothing,
    /// There was something, and nothing of it was read: exit 3.
    Unread,
}

#[track_caller]
fn check(case: &str, run: impl Fn(&str) -> Told, ends: Ends) {
    let text = run("text");
    let told = format!("{case}: exit {}\n{}{}", text.code, text.stdout, text.stderr);
    assert_eq!(text.code, if ends == Ends::Nothing { 0 } else { 3 }, "{told}");
    assert!(!text.stdout.contains("passed"), "{told}");
    assert!(text.stdout.contains(if ends == Ends::Nothing { "nothing to scan" } else { "nothing was read" }), "{told}");
    let json = run("json").json();
    assert_eq!(json["summary"]["complete"], ends == Ends::Nothing, "{told}");
    assert_eq!(json["summary"]["files"], 0, "{told}");
}

/// Every way to choose what is scanned, for a repository whose last commit and index contain it.
const MODES: [&[&str]; 5] =
    [&[], &["--staged"], &["--range", "HEAD~1..HEAD"], &["--history"], &["--base", "HEAD~1", "--fail-on", "never"]];

/// An empty first commit, then `write` committed and written again to be staged.
fn repository(write: impl Fn(&Folder, &str)) -> Folder {
    let folder = Folder::repository();
    folder.commit("empty");
    write(&folder, "committed");
    folder.commit("content");
    write(&folder, "staged");
    folder.git(&["add", "-A"]);
    folder
}

fn scan(folder: &Folder, arguments: &[&str], format: &str) -> Told {
    Penstock::new().args(["scan", "--format", format]).args(arguments).dir(folder.path()).run()
}

#[test]
fn everything_was_left_out() {
    let large = |folder: &Folder, version: &str| {
        folder.write("large", format!("{version}{}", "x".repeat(2000)));
    };
    let folder = repository(large);
    for mode in MODES {
        let arguments = [mode, &["--max-file-size", "1kB"]].concat();
        check(&format!("limit {mode:?}"), |format| scan(&folder, &arguments, format), Ends::Unread);
    }
    let excluded = repository(|folder, version| {
        folder.write("vendor/x", version);
    });
    let settings = Folder::new();
    settings.write("all.toml", "[scan]\nexclude = [\"*\"]\n");
    let settings = settings.at("all.toml");
    for mode in MODES {
        let arguments = [mode, &["--settings", settings.to_str().unwrap()]].concat();
        check(&format!("excluded {mode:?}"), |format| scan(&excluded, &arguments, format), Ends::Unread);
        let allowed = [&arguments[..], &["--allow-incomplete"]].concat();
        let told = scan(&excluded, &allowed, "text");
        assert_eq!(told.code, 0, "{mode:?}: {}", told.stdout);
        assert!(told.stdout.contains("nothing was read") && !told.stdout.contains("passed"), "{}", told.stdout);
    }
}

#[test]
fn nothing_can_be_read() {
    let folder = Folder::repository();
    folder.write("a.env", leak(1)).commit("first");
    folder.write("b.env", leak(2)).git(&["add", "-A"]);
    let staged = folder.git(&["rev-parse", ":b.env"]);
    fs::remove_file(folder.object(&staged)).unwrap();
    check("missing object", |format| scan(&folder, &["--staged"], format), Ends::Unread);
    fs::remove_file(folder.object("HEAD:a.env")).unwrap();
    check("missing object", |format| scan(&folder, &["--history"], format), Ends::Unread);

    // `USER = ADMIN`, in the code page of mainframes.
    let text = b"\xa4\xa2\x85\x99\x40\x7e\x40\x81\x84\x94\x89\x95\x40\x97\x81\xa2\xa2\xa6\x96\x99\x84\x40\x7e\x40\xf1\xf2\xf3\x15";
    let folder = Folder::new();
    folder.write("x.cbl", text.repeat(9));
    check("encoding", |format| scan(&folder, &[], format), Ends::Unread);
    assert!(scan(&folder, &[], "text").stdout.contains("x.cbl: it is text in EBCDIC"));
    folder.write("plain", "text\n");
    assert_eq!(scan(&folder, &[], "text").code, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_may_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("closed.env", leak(1)).write("hidden/inside.env", leak(2));
    for name in ["closed.env", "hidden"] {
        fs::set_permissions(folder.at(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |format: &str| Penstock::as_nobody().args(["scan", "--format", format, "."]).dir(folder.path()).run();
    check("permissions", run, Ends::Unread);
}

#[test]
fn there_is_nothing() {
    let folder = Folder::new();
    check("empty folder", |format| scan(&folder, &[], format), Ends::Nothing);
    let folder = Folder::repository();
    for mode in [&[][..], &["--staged"], &["--history"]] {
        check(&format!("empty repository {mode:?}"), |format| scan(&folder, mode, format), Ends::Nothing);
    }
    folder.write("a.env", leak(1)).write("b", "1\n2\n").commit("first");
    check("nothing staged", |format| scan(&folder, &["--staged"], format), Ends::Nothing);
    check("empty range", |format| scan(&folder, &["--range", "HEAD..HEAD"], format), Ends::Nothing);
    check("path without change", |format| scan(&folder, &["--staged", "b"], format), Ends::Nothing);
    fs::remove_file(folder.at("a.env")).unwrap();
    folder.write("b", "2\n").git(&["add", "-A"]);
    check("only deletions staged", |format| scan(&folder, &["--staged"], format), Ends::Nothing);
    folder.commit("second");
    check("only deletions", |format| scan(&folder, &["--range", "HEAD~1..HEAD"], format), Ends::Nothing);
}

#[test]
fn standard_input_is_empty_or_closed() {
    let scan = |format: &str| Penstock::new().args(["scan", "--stdin", "--format", format]);
    check("empty", |format| scan(format).input("").run(), Ends::Nothing);
    check("nothing", |format| scan(format).run(), Ends::Nothing);
    #[cfg(unix)]
    {
        let program = env!("CARGO_BIN_EXE_penstock");
        #[expect(clippy::disallowed_methods, reason = "only a shell closes standard input")]
        let shell = |redirection: &str| {
            let script = format!("'{program}' scan --stdin {redirection}");
            std::process::Command::new("sh").args(["-c", &script]).output().unwrap()
        };
        for redirection in ["<&-", "0>/dev/null", "</"] {
            let output = shell(redirection);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(3), "{redirection}: {told}");
            assert!(told.contains("standard input cannot be read"), "{redirection}: {told}");
        }
        assert_eq!(shell("</dev/null").status.code(), Some(0));
    }
}

#[test]
fn the_pipe_never_passes_without_files() {
    let sandbox = Sandbox::new().unwrap();
    let seed = sandbox.seed().unwrap();
    let penstock = std::path::Path::new(env!("CARGO_BIN_EXE_penstock"));
    let folder = tempfile::tempdir().unwrap();
    let run = |number: usize, variables: &[(&str, &str)]| {
        let step = sandbox.branch_step(&seed.repository, &seed.destination).unwrap();
        let clone = folder.path().join(number.to_string());
        sandbox.clone_for(&step, &clone, None).unwrap();
        sandbox.run_pipe(&step, &clone, penstock, &[&[("NO_COLOR", "1")], variables].concat()).unwrap()
    };
    let clone = folder.path().join("look");
    let step = sandbox.branch_step(&seed.repository, &seed.destination).unwrap();
    sandbox.clone_for(&step, &clone, None).unwrap();
    let listed = crate::folder::git_in(&clone, &["ls-files"]);
    let commit = listed.lines().fold(Commit::new("nothing left"), |commit, file| commit.remove(file));
    sandbox.push(&seed.repository, &seed.destination, &commit).unwrap();
    for (number, variables) in [&[][..], &[("ALLOW_INCOMPLETE", "true")], &[("FAIL_ON", "never")]].iter().enumerate() {
        let ran = run(number, variables);
        let told = format!("{variables:?}: {:?}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
        assert_eq!(ran.code, Some(3), "{told}");
        assert!(told.contains("nothing was read") && !told.contains("Passed"), "{told}");
    }
}
