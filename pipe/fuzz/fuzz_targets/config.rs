//! Reading `penstock.toml`, on any text: settings, or mistakes that stand within it.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use penstock::settings::file;

fuzz_target!(|text: &str| {
    if let Err(mistakes) = file::read(Path::new("penstock.toml"), text) {
        assert!(!mistakes.is_empty());
        let lines = text.split('\n').count();
        for mistake in mistakes {
            let line = text.split('\n').nth(mistake.line - 1);
            assert!(mistake.line <= lines, "{mistake}");
            assert!(line.is_some_and(|line| mistake.column <= line.chars().count() + 1), "{mistake}");
        }
    }
});
