use super::*;

/// A way of writing, with its name.
type Writer = (&'static str, fn(&Path) -> Result<(), NoFollowError>);

/// The result of each way of writing to a path.
const WRITERS: [Writer; 3] = [
    ("replace", |path| NoFollowFile::open(path)?.replace(|out| out.write_all(b"new"))),
    ("append", |path| NoFollowFile::open(path)?.append(b"new")),
    ("create", |path| NoFollowFile::open(path)?.create(b"new", Executable::No).map(drop)),
];

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    (folder, root)
}

#[test]
fn each_way_writes_and_makes_missing_folders() {
    for (name, write) in WRITERS {
        let (_folder, root) = folder();
        let path = root.join("new/deep/../file");
        write(&path).unwrap();
        assert_eq!(std::fs::read(root.join("new/file")).unwrap(), b"new", "{name}");
    }
}

#[test]
fn what_is_there_is_replaced_extended_or_left() {
    for ((name, write), expected) in WRITERS.into_iter().zip(["new", "old new", "old "]) {
        let (_folder, root) = folder();
        std::fs::write(root.join("file"), "old ").unwrap();
        write(&root.join("file")).unwrap();
        assert_eq!(std::fs::read_to_string(root.join("file")).unwrap(), expected, "{name}");
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 1, "{name} leaves something behind");
    }
}

#[test]
fn refuses_what_is_no_file() {
    for (_, write) in WRITERS {
        let (_folder, root) = folder();
        assert!(matches!(write(Path::new("/")), Err(NoFollowError::NoName { .. })));
        assert!(matches!(write(&root), Err(NoFollowError::NotAFile { kind: "folder", .. })));
        std::fs::write(root.join("file"), "").unwrap();
        let error = write(&root.join("file/report.json")).unwrap_err();
        assert!(matches!(&error, NoFollowError::Folder { component, .. } if component.ends_with("file")));
        assert!(error.is_usage());
    }
}

#[cfg(unix)]
#[test]
fn no_way_follows_a_link_in_any_component() {
    use std::os::unix::fs::symlink;
    for (name, write) in WRITERS {
        let (_folder, root) = folder();
        std::fs::create_dir_all(root.join("real/sub")).unwrap();
        std::fs::write(root.join("victim"), "victim").unwrap();
        symlink(root.join("real"), root.join("link")).unwrap();
        symlink(root.join("victim"), root.join("file")).unwrap();
        symlink(root.join("missing"), root.join("dangling")).unwrap();
        for (path, link) in
            [("link/file", "link"), ("link/sub/file", "link"), ("file", "file"), ("dangling", "dangling")]
        {
            let error = write(&root.join(path)).unwrap_err();
            let NoFollowError::Symlink { component, .. } = &error else { panic!("{name}: {error:?}") };
            assert_eq!(*component, root.join(link), "{name}");
            assert!(error.to_string().contains("is a symbolic link"));
        }
        assert_eq!(std::fs::read_to_string(root.join("victim")).unwrap(), "victim", "{name}");
        assert!(!root.join("missing").exists(), "{name}");
        assert!(std::fs::read_dir(root.join("real/sub")).unwrap().next().is_none(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_put_there_after_the_folder_was_opened_is_not_followed() {
    type Refuses = fn(&NoFollowFile) -> bool;
    let writers: [Refuses; 3] = [
        |file| file.replace(|out| out.write_all(b"new")).is_err(),
        |file| file.append(b"new").is_err(),
        |file| !file.create(b"new", Executable::No).unwrap(),
    ];
    for is_refused in writers {
        let (_folder, root) = folder();
        let file = NoFollowFile::open(&root.join("sub/file")).unwrap();
        std::os::unix::fs::symlink(root.join("victim"), root.join("sub/file")).unwrap();
        assert!(is_refused(&file));
        assert!(!root.join("victim").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_neither_waited_for_nor_replaced() {
    for (name, write) in &WRITERS[..2] {
        let (_folder, root) = folder();
        crate::checkout::fixture::make_pipe(&root.join("pipe"));
        let error = write(&root.join("pipe")).unwrap_err();
        assert!(matches!(error, NoFollowError::NotAFile { kind: "special file", .. }), "{name}: {error:?}");
    }
}

#[cfg(unix)]
#[test]
fn only_what_shall_run_is_executable() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, root) = folder();
    for (name, executable, bits) in [("text", Executable::No, 0), ("hook", Executable::Yes, 0o100)] {
        assert!(NoFollowFile::open(&root.join(name)).unwrap().create(b"x", executable).unwrap());
        let mode = std::fs::metadata(root.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o100, bits, "{name}");
    }
}
