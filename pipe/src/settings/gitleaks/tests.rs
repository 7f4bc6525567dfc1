//! Files: where they are looked for, and what keeps them inside.

use std::fs;

use super::*;
use crate::settings::small_file::SIZE_MAX;

const RULE: &str = "[[rules]]\nid = 'acme'\nregex = 'acme'\n";

fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn root(folder: &tempfile::TempDir) -> Files<'_> {
    Files { root: Root::Folder(folder.path()), ..Files::default() }
}

fn mistakes(result: Result<Option<Layer>, Error>) -> String {
    match result.err() {
        Some(Error::Mistakes(mistakes)) => mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Some(other) => panic!("{other}"),
        None => String::new(),
    }
}

#[test]
fn nothing_is_there_or_something_is() {
    let empty = tree(&[]);
    assert!(read(root(&empty)).unwrap().is_none());
    assert!(read(Files::default()).unwrap().is_none());
    assert!(read(root(&tree(&[(CONFIGURATION, RULE)]))).unwrap().is_some());
    assert!(read(root(&tree(&[(IGNORE, "a:b:1\n")]))).unwrap().is_some());
}

#[test]
fn a_list_of_what_to_ignore_may_be_named() {
    let folder = tree(&[("lists/.gitleaksignore", "what?\n")]);
    for named in ["lists", "lists/.gitleaksignore"] {
        let path = folder.path().join(named);
        let layer = read(Files { ignore: Some(&path), ..Files::default() }).unwrap().unwrap();
        assert_eq!(layer.notices().len(), 1);
    }
    let missing = folder.path().join("nowhere");
    assert!(read(Files { ignore: Some(&missing), ..Files::default() }).is_err());
}

#[test]
fn extended_files_are_found_from_the_root_and_beside_the_configuration() {
    let folder = tree(&[
        ("ci/main.toml", "[extend]\npath = 'ci/base.toml'\n"),
        ("ci/near.toml", "[extend]\npath = 'base.toml'\n"),
        ("ci/base.toml", RULE),
    ]);
    for name in ["ci/main.toml", "ci/near.toml"] {
        let config = folder.path().join(name);
        assert!(read(Files { config: Some(&config), ..root(&folder) }).unwrap().is_some(), "{name}");
    }
}

#[test]
fn nothing_leads_out() {
    for path in ["../out.toml", "a/../../out.toml", "/etc/hostname", "./../x"] {
        let folder = tree(&[(CONFIGURATION, &format!("[extend]\npath = '{path}'\n")), ("a/b", "")]);
        let told = mistakes(read(root(&folder)));
        assert!(told.starts_with(".gitleaks.toml:2:8:") && told.ends_with("leads out of the repository"), "{told}");
    }
    let missing = tree(&[(CONFIGURATION, "[extend]\npath = 'no.toml'\n")]);
    assert!(mistakes(read(root(&missing))).ends_with("`no.toml` is not there"));
}

#[test]
#[cfg(unix)]
fn links_do_not_lead_out_either() {
    use std::os::unix::fs::symlink;
    let outside = tree(&[("out.toml", RULE)]);
    let folder = tree(&[(CONFIGURATION, "[extend]\npath = 'link.toml'\n"), ("in.toml", RULE)]);
    symlink(outside.path().join("out.toml"), folder.path().join("link.toml")).unwrap();
    assert!(mistakes(read(root(&folder))).ends_with("leads out of the repository"));
    let bad = tree(&[]);
    symlink(outside.path().join("out.toml"), bad.path().join(CONFIGURATION)).unwrap();
    assert!(matches!(read(root(&bad)), Err(Error::File(FileError::Outside(_)))));
    let through = tree(&[(CONFIGURATION, "[extend]\npath = 'folder/out.toml'\n")]);
    symlink(outside.path(), through.path().join("folder")).unwrap();
    assert!(mistakes(read(root(&through))).ends_with("leads out of the repository"));
    fs::remove_file(folder.path().join("link.toml")).unwrap();
    symlink("in.toml", folder.path().join("link.toml")).unwrap();
    assert!(read(root(&folder)).unwrap().is_some(), "a link that stays inside is a file like others");
}

#[test]
fn files_are_small_regular_and_text() {
    let large = tree(&[(CONFIGURATION, &"#".repeat((SIZE_MAX + 1) as usize))]);
    assert!(matches!(read(root(&large)), Err(Error::File(FileError::TooLarge(_)))));
    let folder = tree(&[(".gitleaks.toml/x", "")]);
    assert!(matches!(read(root(&folder)), Err(Error::File(FileError::NotAFile(_)))));
    let bytes = tree(&[]);
    fs::write(bytes.path().join(CONFIGURATION), b"\xff\xfe").unwrap();
    assert!(matches!(read(root(&bytes)), Err(Error::File(FileError::NotUtf8(_)))));
}

#[test]
#[cfg(unix)]
fn a_pipe_is_not_waited_for() {
    let folder = tree(&[]);
    crate::checkout::fixture::make_pipe(&folder.path().join(CONFIGURATION));
    assert!(matches!(read(root(&folder)), Err(Error::File(FileError::NotAFile(_)))));
}
