//! Which code makes text that leaves the process.

use std::path::{Path, PathBuf};

/// Files that may implement `Redact`: the engine itself, and test code.
const ALLOWED: [&str; 5] = [
    "common/src/masked/read.rs",
    "common/src/masked/verbatim.rs",
    "pipe/src/analyze/secrets/mask.rs",
    "pipe/src/analyze/secrets/page.rs",
    "common/src/masked.rs",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn only_the_engine_makes_masked_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = Vec::new();
    ["app", "common", "pipe"].iter().for_each(|part| sources(&root.join(part).join("src"), &mut all));
    let implements = |path: &PathBuf| std::fs::read_to_string(path).unwrap().contains("Redact for ");
    let implementing: Vec<String> = all
        .into_iter()
        .filter(implements)
        .map(|path| path.strip_prefix(&root).unwrap().display().to_string())
        .collect();
    assert!(implementing.contains(&ALLOWED[2].to_owned()), "{implementing:?}");
    let others: Vec<&String> = implementing.iter().filter(|path| !ALLOWED.contains(&path.as_str())).collect();
    assert!(others.is_empty(), "{others:?} make masked text without the engine");
}
