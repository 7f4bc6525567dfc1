use std::path::Path;

use super::super::fixture::{Fixture, Recorder, seen};
use super::*;

fn options() -> TreeOptions {
    TreeOptions::default()
}

fn all() -> TreeOptions {
    TreeOptions { all_files: true, ..options() }
}

fn scan_at(paths: &[&Path], options: &TreeOptions) -> Result<(Vec<String>, Coverage), Error> {
    let paths: Vec<_> = paths.iter().map(|path| path.to_path_buf()).collect();
    let limits = Limits { max_file_size: 1000, threads: 3 };
    let (visitors, coverage) = scan(&paths, options, &limits, None, Recorder::default)?;
    let names: Vec<_> = seen(visitors).into_iter().map(|seen| seen.path).collect();
    assert_eq!(names.len() as u64, coverage.files);
    Ok((names, coverage))
}

fn names(path: &Path, options: &TreeOptions) -> Vec<String> {
    let (names, coverage) = scan_at(&[path], options).unwrap();
    assert_eq!(coverage.skipped, []);
    names
}

fn skipped(coverage: &Coverage) -> Vec<(&str, bool)> {
    coverage.skipped.iter().map(|skipped| (&*skipped.subject, skipped.by_limit)).collect()
}

/// A repository with tracked, untracked, ignored, and tracked though ignored files.
fn repository() -> Fixture {
    let git = Fixture::new();
    git.write(".gitignore", "/build/\n*.log\n!keep.log\n");
    git.write("a.txt", "a");
    git.write("build/tracked.txt", "t");
    git.write("sub/tracked.log", "t");
    git.commit("first");
    git.write("build/junk.txt", "j");
    git.write("build/deep/junk.txt", "j");
    git.write("sub/junk.log", "j");
    git.write("sub/keep.log", "k");
    git.write("sub/.gitignore", "local\n");
    git.write("sub/local", "l");
    git.write("sub/new.txt", "n");
    git.write("excluded", "e");
    git.write(".git/info/exclude", "excluded\n");
    git.write(".bitbucket/pipelines/generated/pipeline/x", "x");
    git.write(".bitbucket/pipelines/own", "o");
    git
}

#[test]
fn takes_tracked_and_new_files_but_not_ignored_ones() {
    let git = repository();
    let expected = [
        ".bitbucket/pipelines/own",
        ".gitignore",
        "a.txt",
        "build/tracked.txt",
        "sub/.gitignore",
        "sub/keep.log",
        "sub/new.txt",
        "sub/tracked.log",
    ];
    assert_eq!(names(git.path(), &options()), expected);
}

#[test]
fn takes_everything_when_asked() {
    let git = repository();
    let found = names(git.path(), &all());
    assert!(found.contains(&"build/deep/junk.txt".to_owned()) && found.contains(&"excluded".to_owned()), "{found:?}");
    assert!(found.iter().all(|name| !name.starts_with(".git/") && !name.contains("generated")), "{found:?}");
    assert_eq!(found.len(), 13);
}

#[test]
fn names_files_from_the_root_of_the_repository() {
    let git = repository();
    assert_eq!(names(&git.at("sub"), &options()), ["sub/.gitignore", "sub/keep.log", "sub/new.txt", "sub/tracked.log"]);
    assert_eq!(names(&git.at("sub/new.txt"), &options()), ["sub/new.txt"]);
    // An argument counts itself, though ignored.
    assert_eq!(names(&git.at("sub/junk.log"), &options()), ["sub/junk.log"]);
    assert_eq!(names(&git.at("sub/junk.log"), &all()), ["sub/junk.log"]);
}

#[test]
fn overlapping_paths_give_each_file_once() {
    let git = repository();
    let (sub, file, root) = (git.at("sub"), git.at("sub/new.txt"), git.path());
    for options in [options(), all()] {
        let (once, _) = scan_at(&[root], &options).unwrap();
        let (found, _) = scan_at(&[&sub, root, &file, &sub], &options).unwrap();
        assert_eq!(found, once);
    }
    let (found, _) = scan_at(&[root, &git.at("sub/junk.log")], &options()).unwrap();
    assert!(found.contains(&"sub/junk.log".to_owned()));
}

#[test]
fn honours_files_of_patterns_outside_of_git() {
    let folder = Fixture::empty();
    folder.write(".gitignore", "a\nb\n");
    folder.write(".ignore", "!b\nsub/c\n");
    for name in ["a", "b", "sub/c", "sub/d"] {
        folder.write(name, name);
    }
    assert_eq!(names(folder.path(), &options()), [".gitignore", ".ignore", "b", "sub/d"]);
    assert_eq!(names(&folder.at("sub"), &options()), ["c", "d"]);
    assert_eq!(names(&folder.at("sub/c"), &options()), ["c"]);
    assert_eq!(names(folder.path(), &all()).len(), 6);
}

#[test]
fn tells_files_of_several_roots_apart() {
    let (one, two) = (Fixture::empty(), Fixture::new());
    one.write("x", "1");
    two.write("x", "2");
    let (found, _) = scan_at(&[one.path(), two.path()], &options()).unwrap();
    let mut expected = [one.at("x").display().to_string(), two.at("x").display().to_string()];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn refuses_what_is_not_there_or_never_scanned() {
    let git = repository();
    assert!(matches!(scan_at(&[&git.at("none")], &options()), Err(Error::NoSuchPath { .. })));
    assert!(matches!(scan_at(&[&git.at(".git/config")], &all()), Err(Error::Excluded { .. })));
    let generated = git.at(".bitbucket/pipelines/generated/pipeline");
    assert!(matches!(scan_at(&[&generated], &options()), Err(Error::Excluded { .. })));
    git.git(&["clone", "-q", "--bare", ".", "bare"]);
    assert!(matches!(scan_at(&[&git.at("bare")], &options()), Err(Error::NoWorkTree { .. })));
}

#[test]
fn of_what_pipelines_generates_only_tracked_files_count() {
    let git = repository();
    let tracked = ".bitbucket/pipelines/generated/pipeline/tracked";
    git.write(tracked, "t");
    git.git(&["add", "-f", tracked]);
    let generated = |options: &TreeOptions, path: &Path| {
        names(path, options).into_iter().filter(|name| name.contains("generated")).collect::<Vec<_>>()
    };
    for options in [options(), all()] {
        assert_eq!(generated(&options, git.path()), [tracked]);
        assert_eq!(generated(&options, &git.at(".bitbucket/pipelines/generated")), [tracked]);
        assert_eq!(generated(&options, &git.at(tracked)), [tracked]);
    }
    // This applies only to Pipelines' own folder, and only in a clone.
    git.write("deep/.bitbucket/pipelines/generated/x", "x");
    assert_eq!(names(&git.at("deep"), &options()), ["deep/.bitbucket/pipelines/generated/x"]);
    let folder = Fixture::empty();
    folder.write(".bitbucket/pipelines/generated/x", "x");
    assert_eq!(names(folder.path(), &options()), [".bitbucket/pipelines/generated/x"]);
}

#[test]
fn names_files_over_the_limit() {
    let git = Fixture::new();
    git.write("large", vec![b'x'; 1001]);
    git.write("exact", vec![b'x'; 1000]);
    let (found, coverage) = scan_at(&[git.path()], &options()).unwrap();
    assert_eq!(found, ["exact"]);
    assert_eq!(skipped(&coverage), [("large", true)]);
    assert!(coverage.complete());
    assert_eq!(coverage.bytes, 1000);
}

#[test]
fn enters_repositories_inside_only_when_asked() {
    let git = Fixture::new();
    let inner = Fixture::new();
    inner.write("x.log", "tracked, and ignored by both");
    inner.write(".gitignore", "x.log\n");
    inner.commit("inner");
    git.write(".gitignore", "*.log\n");
    git.git(&["-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.path().to_str().unwrap(), "module"]);
    git.commit("with a submodule");
    let (found, coverage) = scan_at(&[git.path()], &options()).unwrap();
    assert_eq!(found, [".gitignore", ".gitmodules"]);
    assert_eq!(skipped(&coverage), [("module", true)]);
    let deep = TreeOptions { submodules: true, ..options() };
    assert_eq!(names(git.path(), &deep), [".gitignore", ".gitmodules", "module/.gitignore", "module/x.log"]);
    assert_eq!(names(&git.at("module"), &options()), [".gitignore", "x.log"]);
    // Something that only looks like a repository hides nothing.
    git.write("fake/.git/x", "");
    git.write("fake/y", "y");
    git.write("fake2/.git", "gitdir: /nowhere");
    git.write("fake2/y", "y");
    let (found, _) = scan_at(&[git.path()], &options()).unwrap();
    assert_eq!(found, [".gitignore", ".gitmodules", "fake/y", "fake2/y"]);
}

#[test]
fn scans_on_with_a_broken_index() {
    let git = repository();
    let index = fs::read(git.at(".git/index")).unwrap();
    for broken in [&index[..7], &index[..index.len() - 30], &[0; 100][..]] {
        git.write(".git/index", broken);
        let (found, coverage) = scan_at(&[git.path()], &options()).unwrap();
        assert!(found.contains(&"a.txt".to_owned()));
        assert_eq!(skipped(&coverage), [(".git/index", false)]);
    }
}

#[test]
fn takes_many_files_in_one_folder_and_reports_them() {
    struct Count(std::sync::atomic::AtomicU64);
    impl Progress for Count {
        fn advance(&self, files: u64, _: u64) {
            self.0.fetch_add(files, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let folder = Fixture::empty();
    for number in 0..3000 {
        folder.write(&format!("f{number}"), number.to_string());
    }
    let count = Count(Default::default());
    let limits = Limits { threads: 4, ..Limits::default() };
    let paths = [folder.path().to_owned()];
    let (visitors, coverage) = scan(&paths, &all(), &limits, Some(&count), Recorder::default).unwrap();
    let seen = seen(visitors);
    assert_eq!((seen.len(), coverage.files, count.0.into_inner()), (3000, 3000, 3000));
    assert!(seen.iter().all(|seen| seen.path == format!("f{}", seen.text)));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::super::super::fixture::make_pipe;
    use super::*;

    #[test]
    fn follows_no_link_but_the_argument() {
        let git = Fixture::new();
        git.write("real/file", "x");
        symlink("..", git.at("real/loop")).unwrap();
        symlink("real/file", git.at("link")).unwrap();
        symlink(".", git.at("self")).unwrap();
        for options in [options(), all()] {
            assert_eq!(names(git.path(), &options), ["real/file"]);
            assert_eq!(names(&git.at("link"), &options), ["real/file"]);
            assert_eq!(names(&git.at("real/loop"), &options), ["real/file"]);
        }
    }

    #[test]
    fn passes_over_pipes_and_sockets() {
        let git = Fixture::new();
        git.write("file", "x");
        make_pipe(&git.at("pipe"));
        let _socket = std::os::unix::net::UnixListener::bind(git.at("socket")).unwrap();
        for options in [options(), all()] {
            let (found, coverage) = scan_at(&[git.path()], &options).unwrap();
            assert_eq!(found, ["file"]);
            assert_eq!(skipped(&coverage), [("pipe", true), ("socket", true)]);
        }
        assert!(matches!(scan_at(&[&git.at("pipe")], &all()), Err(Error::NotAFile { .. })));
    }

    #[test]
    fn shows_any_name() {
        let folder = Fixture::empty();
        fs::write(folder.path().join(OsStr::from_bytes(b"bad\xff\x1b[31m")), "x").unwrap();
        assert_eq!(names(folder.path(), &options()), ["bad\\xff\\x1b[31m"]);
    }

    #[test]
    fn names_what_it_may_not_read() {
        let folder = Fixture::empty();
        folder.write("open", "x");
        folder.write("closed", "x");
        folder.write("shut/x", "x");
        for name in ["closed", "shut"] {
            fs::set_permissions(folder.at(name), fs::Permissions::from_mode(0o000)).unwrap();
        }
        let (found, coverage) = scan_at(&[folder.path()], &all()).unwrap();
        // Root reads everything.
        if fs::read(folder.at("closed")).is_err() {
            assert_eq!(found, ["open"]);
            assert_eq!(skipped(&coverage), [("closed", false), ("shut", false)]);
        } else {
            assert_eq!(found.len(), 3);
        }
        fs::set_permissions(folder.at("shut"), fs::Permissions::from_mode(0o700)).unwrap();
    }

    #[test]
    fn names_what_vanishes_or_cannot_be_opened() {
        /// Takes everything else away when it is shown the first file.
        struct Remover(PathBuf, Vec<Vec<u8>>);
        impl Visitor for Remover {
            fn visit(&mut self, item: Item<'_>) {
                self.1.push(item.path.to_vec());
                let _ = fs::remove_dir_all(&self.0);
            }
        }
        let folder = Fixture::empty();
        for number in 0..5 {
            folder.write(&format!("f{number}"), "x");
        }
        let limits = Limits::default();
        let path = folder.path().to_owned();
        let (visitors, coverage) =
            scan(std::slice::from_ref(&path), &all(), &limits, None, || Remover(path.clone(), Vec::new())).unwrap();
        assert_eq!(visitors[0].1.len(), 1);
        assert_eq!(coverage.skipped.len(), 4);
        assert!(coverage.skipped.iter().all(|skipped| skipped.by_limit && skipped.reason.contains("vanished")));
        assert!(coverage.complete());
    }

    #[test]
    fn names_a_path_that_is_too_long() {
        let folder = Fixture::empty();
        folder.write("x", "x");
        // Deeper than one call can name, so made in two halves.
        let half: PathBuf = std::iter::repeat_n("n".repeat(250), 10).collect();
        folder.write(&format!("lower/{}/y", half.display()), "y");
        fs::create_dir_all(folder.at("upper").join(&half)).unwrap();
        fs::rename(folder.at("lower"), folder.at("upper").join(&half).join("lower")).unwrap();
        let (found, coverage) = scan_at(&[folder.path()], &all()).unwrap();
        assert_eq!(found, ["x"]);
        assert_eq!(coverage.skipped.len(), 1);
        assert!(!coverage.complete());
    }

    #[test]
    fn a_foreign_repository_may_not_point_elsewhere() {
        let git = Fixture::new();
        git.write("file", "x");
        git.commit("first");
        git.git(&["worktree", "add", "-q", "--detach", "tree"]);
        let tree = git.at("tree");
        for path in [&tree, &tree.join(".git")] {
            if chown(path, Some(12345), None).is_err() {
                return; // Only root can give a file away.
            }
        }
        assert!(matches!(scan_at(&[&tree], &options()), Err(Error::Foreign { .. })));
        assert_eq!(names(&tree, &all()), ["file"]);
        let trusting = TreeOptions { trust: Trust { foreign: true, ..Trust::default() }, ..options() };
        assert_eq!(names(&tree, &trusting), ["file"]);
        // A whole clone of somebody else is read like any other.
        for path in [git.path().to_owned(), git.at(".git")] {
            chown(path, Some(12345), None).unwrap();
        }
        assert_eq!(names(&git.at("file"), &options()), ["file"]);
    }

    #[test]
    fn runs_no_program_that_the_repository_names() {
        let git = Fixture::new();
        let marker = git.at("ran");
        let program = git.at("program.sh");
        git.write("program.sh", format!("#!/bin/sh\ntouch '{}'\ncat\n", marker.display()));
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        git.write(".gitattributes", "* filter=evil diff=evil\n");
        git.write("file", "x");
        git.commit("first");
        let program = program.to_str().unwrap();
        for key in [
            "core.fsmonitor",
            "filter.evil.clean",
            "filter.evil.smudge",
            "filter.evil.process",
            "diff.external",
            "diff.evil.textconv",
            "core.sshCommand",
            "credential.helper",
            "core.gitProxy",
            "uploadpack.packObjectsHook",
        ] {
            git.git(&["config", key, program]);
        }
        git.git(&["config", "core.hooksPath", git.path().to_str().unwrap()]);
        assert_eq!(names(git.path(), &options()).len(), 3);
        assert!(!marker.exists());
    }
}
