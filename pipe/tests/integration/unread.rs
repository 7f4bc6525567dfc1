//! `new.unread`: new or changed files that a limit left out.

use serde_json::Value;

use crate::folder::Folder;
use crate::pack::{stored, zip};
use crate::run::{Penstock, Told};

fn large(begin: &[u8]) -> Vec<u8> {
    [begin, &b"0123456789 abcdef\n".repeat(200)].concat()
}

/// The condition's value and outcome.
fn condition(told: &Told) -> (Value, Value) {
    let json = told.json();
    let all = json["gate"]["conditions"].as_array().unwrap();
    let one = all.iter().find(|one| one["name"] == "new.unread").unwrap();
    (one["value"].clone(), one["outcome"].clone())
}

#[test]
fn text_and_archives_count_and_media_do_not() {
    let folder = Folder::repository();
    folder.write("old.sql", large(b"-- old\n")).write("changed.sql", large(b"-- one\n")).commit("base");
    let run = |arguments: &[&str]| {
        let limit = ["--base", "main", "--max-file-size", "1kB"];
        Penstock::scan().args(limit).args(arguments).dir(folder.path()).run()
    };
    folder.git(&["checkout", "-q", "-b", "topic"]);
    folder.write("small", "x");
    assert_eq!(condition(&run(&[])), (0.0.into(), "passed".into()));
    folder
        .write("picture.png", large(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"))
        .write("film.mp4", large(b"\0\0\0\x20ftypisom\0"));
    folder.write("font.woff2", large(b"wOF2\0\x01\0\0")).write("program", large(b"\x7fELF\x02\x01\x01\0\0\0"));
    assert_eq!(condition(&run(&[])), (0.0.into(), "passed".into()));
    folder.write("changed.sql", large(b"-- two\n")).write("new.csv", large(b"a;b\n"));
    folder.write("new.zip", zip(&[stored("x", &large(b""))])).write("called.png", large(b"text all the same\n"));
    let told = run(&[]);
    assert_eq!((condition(&told), told.code), ((4.0.into(), "failed".into()), 0), "a warning by default");
    folder.write("penstock.toml", "[gate]\nnew.unread = 0\n");
    assert_eq!(run(&[]).code, 1);
    folder.write("penstock.toml", "[scan]\nexclude = [\"*.sql\", \"*.csv\", \"*.zip\", \"*.png\"]\n");
    assert_eq!(condition(&run(&[])), (0.0.into(), "passed".into()), "what the configuration leaves out is no limit's");
}

#[test]
fn an_archive_that_is_not_opened_to_its_end_counts() {
    let folder = Folder::repository();
    folder.write("kept", "x").commit("base");
    let inner = zip(&[stored("x", b"text")]);
    let deep = (0..12).fold(inner, |inner, _| zip(&[stored("inner.zip", &inner)]));
    folder.write("deep.zip", deep);
    let told = Penstock::scan().args(["--archives", "--base", "HEAD"]).dir(folder.path()).run();
    assert_eq!(condition(&told).0, 1.0, "{}", told.summary());
}
