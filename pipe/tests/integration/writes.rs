//! All writes of the program go through `no_follow`, which follows no links.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls that change a file system by a path.
const CALLS: [&str; 14] = [
    "fs::write(",
    "fs::create_dir",
    "fs::rename(",
    "fs::copy(",
    "fs::hard_link(",
    "fs::remove_",
    "fs::set_permissions(",
    "fs::soft_link(",
    "fs::symlink(",
    "File::create",
    ".create(true)",
    ".create_new(true)",
    ".append(true)",
    "env::set_current_dir(",
];

/// Files that may use them: the type itself, and code that fills temporary folders, which have a
/// random name and are private to this user.
const ALLOWED: [&str; 3] = ["no_follow/folder.rs", "checkout/fetch/store.rs", "checkout/joined.rs"];

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The part of a source file that is not tests.
fn program(text: &str) -> &str {
    text.split("\nmod tests {").next().unwrap_or_default()
}

#[test]
fn every_write_goes_through_the_type_that_follows_no_links() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = 0;
    for file in &files {
        let name = file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        let is_test = name.ends_with("tests.rs") || name.contains("/tests/") || name.ends_with("fixture.rs");
        if is_test {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        for call in CALLS.iter().filter(|call| program(&text).contains(**call)) {
            assert!(ALLOWED.contains(&name.as_str()), "{name} uses `{call}`: write through `no_follow::NoFollowFile`");
            seen += 1;
        }
    }
    assert!(seen >= 4, "the calls are no longer spelled as this test expects");
}
