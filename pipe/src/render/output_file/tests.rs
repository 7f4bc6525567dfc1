use std::path::Path;

use super::*;
use crate::render::sample;

fn output(path: &Path) -> OutputFile {
    OutputFile { format: Format::Json, path: path.to_owned() }
}

#[test]
fn reads_the_argument() {
    let parsed: OutputFile = "sarif=a=b.sarif".parse().unwrap();
    assert_eq!(parsed, OutputFile { format: Format::Sarif, path: PathBuf::from("a=b.sarif") });
    assert_eq!("report.json".parse::<OutputFile>(), Err(BadOutput::NoFormat));
    assert_eq!("json=".parse::<OutputFile>(), Err(BadOutput::NoFile));
    assert_eq!("json=-".parse::<OutputFile>(), Err(BadOutput::StandardOutput));
    let unknown = "html=x".parse::<OutputFile>().unwrap_err();
    assert_eq!(unknown.to_string(), "`html` is not one of text, json, jsonl, sarif, junit, markdown");
}

#[test]
fn writes_several_and_leaves_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::write(root.join("old.json"), "old").unwrap();
    let outputs = [
        output(&root.join("old.json")),
        OutputFile { format: Format::Junit, path: root.join("new/deep/../report.xml") },
    ];
    let run = sample::run();
    for destination in prepare(&outputs).unwrap() {
        destination.write(&sample::report(&run)).unwrap();
    }
    assert!(std::fs::read_to_string(root.join("old.json")).unwrap().starts_with('{'));
    assert!(std::fs::read_to_string(root.join("new/report.xml")).unwrap().starts_with("<?xml"));
    let mut names: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["new", "old.json"]);
}

#[test]
fn refuses_the_same_file_twice_however_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("sub")).unwrap();
    let outputs = [output(&root.join("a.json")), output(&root.join("sub/../a.json"))];
    assert!(matches!(prepare(&outputs), Err(OutputError::Twice { .. })));
}
