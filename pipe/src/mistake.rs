//! A mistake in a configuration file, with its place and a remedy.
//!
//! Owns turning a place in a text into line and column. Knows nothing of what any file may say.

/// One mistake in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {what}")]
pub struct Mistake {
    /// The file as it was named.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Mistake {
    /// A mistake at byte `at` of the `text` of `file`.
    pub fn at(file: &str, text: &str, at: usize, what: String, hint: Option<String>) -> Self {
        let (line, column) = place(text, at);
        Self { file: file.to_owned(), line, column, what, hint }
    }
}

/// Line and column of byte `at`, both from 1.
pub fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |found| found + 1);
    (line, String::from_utf8_lossy(&before[start..]).chars().count() + 1)
}
