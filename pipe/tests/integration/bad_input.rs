//! Input that nobody should have to expect: each is named, the rest is scanned, nothing crashes or hangs.

use std::fs::{self, File};

use insta::assert_snapshot;

use crate::folder::{Folder, leak, replace, token};
use crate::pack::{deflated, stored, zip};
use crate::run::Penstock;

fn scan(folder: &Folder, arguments: &[&str]) -> String {
    Penstock::scan().args(arguments).dir(folder.path()).run().summary()
}

#[test]
fn paths_that_are_not_there_or_no_files() {
    let folder = Folder::new();
    folder.write("file", "x").pipe("pipe");
    assert_snapshot!(scan(&folder, &["none\x1b[31m\n"]), @r"
    exit 2
    error: `none\x1b[31m\x0a` does not exist
    hint: check the path; it is taken relative to the current folder
    ");
    assert_snapshot!(scan(&folder, &["file/below"]), @r"
    exit 2
    error: `file/below` does not exist
    hint: check the path; it is taken relative to the current folder
    ");
    assert_snapshot!(scan(&folder, &["pipe"]), @r"
    exit 2
    error: `pipe` is a named pipe
    hint: name a file or a folder; use `--stdin` for a stream
    ");
    assert_snapshot!(scan(&folder, &["--history", "file"]), @r"
    exit 2
    error: `file` is not in a git repository
    hint: run it inside a clone; outside of git, `penstock scan PATH` reads plain files
    ");
    assert_snapshot!(scan(&folder, &[".git"]), @r"
    exit 2
    error: `.git` does not exist
    hint: check the path; it is taken relative to the current folder
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn what_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.write("closed.env", leak(1)).write("hidden/inside.env", leak(2)).write("open.env", leak(3));
    for name in ["closed.env", "hidden"] {
        fs::set_permissions(folder.at(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let run =
        |path: &str| Penstock::as_nobody().args(["scan", "--format", "json", path]).dir(folder.path()).run().summary();
    assert_snapshot!(run("."), @r"
    exit 1
    open.env:1 gitlab-pat
    ! closed.env: permission denied
    ! hidden: permission denied
    ");
    assert_snapshot!(run("hidden"), @r"
    exit 3
    ! .: permission denied
    ! scan: nothing was read: 1 path could not be read or is over a limit
    ");
    assert_snapshot!(run("hidden/inside.env"), @r"
    exit 3
    error: `hidden/inside.env` cannot be read
    cause: Permission denied (os error 13)
    hint: check the permissions of the path and of the folders above it
    ");
    // The kernel opens this one and refuses to read it, to anybody.
    assert_snapshot!(scan(&folder, &["/proc/self/mem"]), @r"
    exit 3
    ! mem: it cannot be read: Input/output error (os error 5)
    ! scan: nothing was read: 1 path could not be read or is over a limit
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn hostile_names_and_contents_reach_no_terminal() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::repository();
    for name in
        [&b"inv\xffalid.env"[..], b"esc\x1b]0;title\x07\x1b[2J.env", b"line\nbreak.env", "rtl\u{202e}.env".as_bytes()]
    {
        let content = format!("\x1b[31mred\x1b[0m\x07\u{9b}2J {} \x1b]52;c;x\x07\r\n", leak(1).trim_end());
        folder.write(std::ffi::OsStr::from_bytes(name), content);
    }
    assert_snapshot!(scan(&folder, &[]), @r"
    exit 1
    esc\x1b]0;title\x07\x1b[2J.env:1 gitlab-pat
    inv\xffalid.env:1 gitlab-pat
    line\x0abreak.env:1 gitlab-pat
    rtl\u{202e}.env:1 gitlab-pat
    ");
    folder.commit("esc\u{1b}[31m\u{7} and more");
    for source in [&[][..], &["--history"]] {
        for format in ["text", "json", "jsonl", "sarif", "junit", "markdown"] {
            let run = Penstock::new().args(["scan", "--color", "never", "--format", format]).args(source);
            let told = run.dir(folder.path()).run();
            assert_eq!(told.code, 1);
            assert!(!told.stdout.contains(['\u{202e}', '\u{9b}', '\u{7}']), "{format}: {}", told.stdout);
        }
    }
}

#[test]
fn pipes_links_and_huge_files_are_passed_over() {
    let folder = Folder::new();
    folder.write("a/leak.env", leak(1)).pipe("pipe");
    File::create(folder.at("huge")).unwrap().set_len(5_000_000_000).unwrap();
    #[cfg(unix)]
    for (to, name) in [("..", "a/up"), ("loop", "loop"), ("a/leak.env", "link.env"), ("/etc/passwd", "outside")] {
        std::os::unix::fs::symlink(to, folder.at(name)).unwrap();
    }
    assert_snapshot!(scan(&folder, &["--all-files"]), @r"
    exit 1
    a/leak.env:1 gitlab-pat
    ? huge: its 5000000000 bytes are over the limit of 10000000
    ? pipe: it is a named pipe
    ");
    assert_snapshot!(scan(&folder, &["huge"]), @r"
    exit 3
    ? huge: its 5000000000 bytes are over the limit of 10000000
    ! scan: nothing was read: 1 path could not be read or is over a limit
    ");
}

#[test]
fn one_line_of_sixty_megabytes_is_read_to_its_end() {
    let folder = Folder::new();
    let line = "lorem ipsum dolor sit amet, ".repeat(60_000_000 / 28);
    folder.write("long.txt", format!("{line}{}", leak(1)));
    assert_snapshot!(scan(&folder, &["--max-file-size", "100MB"]), @r"
    exit 1
    long.txt:1 gitlab-pat
    ");
    assert_snapshot!(scan(&folder, &[]), @r"
    exit 3
    ? long.txt: its 60000031 bytes are over the limit of 10000000
    ! scan: nothing was read: 1 path could not be read or is over a limit
    ");
}

#[test]
fn a_folder_of_twenty_thousand_files() {
    let folder = Folder::new();
    for n in 0..20_000 {
        fs::write(folder.at(n.to_string()), "x").unwrap();
    }
    folder.write("z.env", leak(1));
    let told = Penstock::scan().dir(folder.path()).run();
    assert_eq!(told.findings(), ["z.env:1 gitlab-pat"]);
    assert_eq!(told.json()["tools"][0]["files"], 20_001);
}

#[test]
fn damaged_objects_and_packs_are_named() {
    let repository = || {
        let folder = Folder::repository();
        folder.write("a.env", leak(1)).commit("first");
        folder.write("b.env", leak(2)).commit("second");
        folder
    };
    // The same content gives the same id.
    let id = repository().git(&["rev-parse", "HEAD~1:a.env"]);
    let shown = |folder: &Folder| {
        let pack = folder.at(".git/objects/pack");
        let name = fs::read_dir(pack).unwrap().next().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let text = scan(folder, &["--history"]).replace(&id, "[a.env]");
        name.map_or(text.clone(), |name| text.replace(name.split('.').next().unwrap(), "[pack]"))
    };
    let folder = repository();
    replace(&folder.object("HEAD~1:a.env"), |bytes| bytes.truncate(bytes.len() / 2));
    assert_snapshot!(shown(&folder), @r"
    exit 1
    b.env:1 gitlab-pat
    ! a.env: object [a.env]: it is damaged: its file cannot be read
    ");
    let folder = repository();
    fs::remove_file(folder.object("HEAD~1:a.env")).unwrap();
    assert_snapshot!(shown(&folder), @r"
    exit 1
    b.env:1 gitlab-pat
    ! a.env: object [a.env]: it is missing from the repository
    ");

    let folder = repository();
    folder.git(&["repack", "-q", "-a", "-d"]);
    folder.write(".git/objects/pack/tmp_pack_x1y2z3", "PACK, but only its beginning");
    folder.write(".git/objects/ab/tmp_obj_x1y2z3", "x");
    assert_snapshot!(shown(&folder), @r"
    exit 1
    a.env:1 gitlab-pat
    b.env:1 gitlab-pat
    ? tmp_pack_x1y2z3: left by an interrupted fetch or repack; git does not read it either
    ");
    replace(&folder.pack("pack"), |bytes| bytes.truncate(bytes.len() / 2));
    let told = Penstock::scan().arg("--history").dir(folder.path()).run();
    assert_eq!((told.code, told.skipped().iter().filter(|line| line.starts_with('!')).count() > 0), (3, true));
    replace(&folder.pack("idx"), |bytes| bytes.truncate(100));
    let told = Penstock::scan().arg("--history").dir(folder.path()).run();
    assert_eq!(told.code, 3, "{}", told.summary());
}

#[test]
fn garbage_in_place_of_gits_files() {
    for file in ["HEAD", "config", "index", "packed-refs"] {
        let folder = Folder::repository();
        folder.write("leak.env", leak(1)).commit("first").write(format!(".git/{file}"), [0xff, 0, b'[', b'\n', 0x1b]);
        for source in [&[][..], &["--history"], &["--staged"], &["--range", "HEAD~1..HEAD"]] {
            let told = Penstock::scan().args(source).dir(folder.path()).run();
            assert!(matches!(told.code, 1..=3), "{file} {source:?}: {}", told.summary());
        }
        assert_eq!(Penstock::scan().args(["--all-files"]).dir(folder.path()).run().code, 1, "{file}");
    }
}

#[test]
fn bombs_and_broken_archives_leave_the_rest() {
    let folder = Folder::new();
    folder.write("bomb.zip", zip(&[deflated("zeros", &vec![0; 9_000_000])]));
    let whole = zip(&[stored("x.env", leak(1).as_bytes())]);
    // Without its directory (46 + 5 + 22 bytes) and the last byte of the entry.
    folder.write("cut.zip", &whole[..whole.len() - 74]);
    folder.write("named.zip", zip(&[stored("../../x\x1b[0m.env", leak(2).as_bytes())]));
    assert_snapshot!(scan(&folder, &["--archives"]), @r"
    exit 1
    cut.zip!x.env:1 gitlab-pat
    named.zip!../../x\x1b[0m.env:1 gitlab-pat
    ? bomb.zip: it inflates to more than 200 times its size, which is the limit; the rest was not looked at
    ! cut.zip: it is damaged: its directory is lost; entries were looked for without it
    ! cut.zip!x.env: it is damaged: it breaks off
    ");
}

#[test]
fn no_program_named_by_a_repository_runs() {
    let folder = Folder::repository();
    folder.write("leak.env", leak(1)).commit("first");
    let marker = folder.at("marker");
    let touch = format!("touch {}", marker.display());
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.gitProxy",
        "core.askPass",
        "filter.x.clean",
        "filter.x.smudge",
        "filter.x.process",
        "diff.x.textconv",
        "diff.external",
        "uploadpack.packObjectsHook",
        "credential.helper",
        "alias.status",
        "gpg.program",
        "remote.origin.uploadpack",
    ] {
        folder.git(&["config", key, &touch]);
    }
    folder.git(&["config", "remote.origin.url", &format!("ext::{touch}")]);
    folder.git(&["config", "core.hooksPath", "hooks"]);
    folder
        .write(".gitattributes", "* filter=x diff=x\n")
        .write("hooks/post-index-change", format!("#!/bin/sh\n{touch}\n"));
    folder.write("new.env", leak(2));
    for source in [&[][..], &["--all-files"], &["--staged"], &["--history"], &["--range", "HEAD..HEAD"]] {
        let told = Penstock::scan().args(source).dir(folder.path()).run();
        assert!(told.code < 2, "{}", told.summary());
    }
    assert!(!marker.exists());
}

#[test]
fn the_environment_may_hold_anything() {
    let folder = Folder::new();
    folder.write("x", "x");
    let told =
        Penstock::scan().env("SOURCE_DATE_EPOCH", "soon").env("BITBUCKET_TOKEN", &token(1)).dir(folder.path()).run();
    assert_snapshot!(told.summary(), @r"
    exit 2
    error: the environment cannot be used: `SOURCE_DATE_EPOCH` does not hold what it should
    ");
    assert_eq!(Penstock::scan().env("COLUMNS", "").env("CI", "true").dir(folder.path()).run().code, 0);
}
