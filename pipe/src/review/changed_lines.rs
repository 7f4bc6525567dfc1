//! The lines that a change touches, as a unified difference tells them.
//!
//! Owns reading what Bitbucket answers where git's objects are out of reach. The answer is somebody else's text: what is not understood is
//! an error, because a line that is overlooked would let something pass.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use penstock_common::Location;

/// The lines of each file, as the change leaves it, that the change wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChangedLines(HashMap<Vec<u8>, Vec<RangeInclusive<u32>>>);

/// Why a difference was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the difference is not understood")]
pub(super) struct Unreadable(usize);

impl ChangedLines {
    /// Reads a difference in git's format.
    pub(super) fn read(diff: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::default();
        let mut number = 0;
        for line in diff.split(|byte| *byte == b'\n') {
            number += 1;
            reader.line(line).ok_or(Unreadable(number))?;
        }
        if reader.is_within_hunk() { Err(Unreadable(number)) } else { Ok(Self(reader.files)) }
    }

    /// Whether the change wrote anything in the file.
    pub(super) fn has(&self, file: &[u8]) -> bool {
        self.0.contains_key(file)
    }

    /// Whether the change wrote any line of this place in the file.
    pub(super) fn touches(&self, file: &[u8], place: &Location) -> bool {
        let touched =
            |lines: &RangeInclusive<u32>| *lines.start() <= place.end_line && place.start_line <= *lines.end();
        self.0.get(file).is_some_and(|lines| lines.iter().any(touched))
    }
}

#[derive(Default)]
struct Reader {
    files: HashMap<Vec<u8>, Vec<RangeInclusive<u32>>>,
    /// The file that the hunks are about; none for one that was removed.
    file: Option<Vec<u8>>,
    /// Lines of both sides that the hunk still has.
    left: (u32, u32),
    /// The next line of the new side.
    next: u32,
}

impl Reader {
    fn is_within_hunk(&self) -> bool {
        self.left != (0, 0)
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        if self.is_within_hunk() {
            return self.hunk_line(line);
        }
        if line.starts_with(b"diff ") {
            self.file = None;
        } else if let Some(name) = line.strip_prefix(b"+++ ") {
            self.file = file_name(name)?;
        } else if let Some(rest) = line.strip_prefix(b"@@ ") {
            let (old, new) = ranges(rest)?;
            self.left = (old.1, new.1);
            self.next = new.0;
        } else if let Some(names) = line.strip_prefix(b"Binary files ") {
            // What a binary file holds has no lines; it counts from its first to its last.
            if let Some(name) = binary_name(names)? {
                self.files.insert(name, vec![1..=u32::MAX]);
            }
        } else if line.starts_with(b"GIT binary patch") {
            return None;
        }
        Some(())
    }

    fn hunk_line(&mut self, line: &[u8]) -> Option<()> {
        match line.first() {
            Some(b'+') => {
                self.left.1 = self.left.1.checked_sub(1)?;
                if let Some(file) = &self.file {
                    let lines = self.files.entry(file.clone()).or_default();
                    match lines.last_mut() {
                        Some(last) if last.end().checked_add(1) == Some(self.next) => *last = *last.start()..=self.next,
                        _ => lines.push(self.next..=self.next),
                    }
                }
                self.next = self.next.checked_add(1)?;
            }
            Some(b'-') => self.left.0 = self.left.0.checked_sub(1)?,
            // Some tools cut off the blank of an empty line.
            Some(b' ') | None => {
                self.left = (self.left.0.checked_sub(1)?, self.left.1.checked_sub(1)?);
                self.next = self.next.checked_add(1)?;
            }
            Some(b'\\') => {}
            Some(_) => return None,
        }
        Some(())
    }
}

/// `-1,2 +3,4 @@…`: start and length of both sides.
fn ranges(text: &[u8]) -> Option<((u32, u32), (u32, u32))> {
    let text = std::str::from_utf8(text.split(|byte| *byte == b'@').next()?).ok()?;
    let (old, new) = text.trim().split_once(' ')?;
    let range = |text: &str| {
        let (start, length) = text.split_once(',').unwrap_or((text, "1"));
        Some((start.parse().ok()?, length.parse().ok()?))
    };
    Some((range(old.strip_prefix('-')?)?, range(new.strip_prefix('+')?)?))
}

/// `b/NAME`, quoted if need be; `Some(None)` for `/dev/null`.
fn file_name(text: &[u8]) -> Option<Option<Vec<u8>>> {
    // Git puts a tab behind names with blanks.
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let text = text.strip_suffix(b"\t").unwrap_or(text);
    let name = match text.strip_prefix(b"\"") {
        Some(quoted) => unquoted(quoted.strip_suffix(b"\"")?)?,
        None => text.to_vec(),
    };
    if name == b"/dev/null" {
        return Some(None);
    }
    Some(Some(name.strip_prefix(b"b/")?.to_vec()))
}

/// `a/X and b/Y differ`: the second name.
fn binary_name(text: &[u8]) -> Option<Option<Vec<u8>>> {
    let text = text.strip_suffix(b"\r").unwrap_or(text).strip_suffix(b" differ")?;
    let at = memchr::memmem::rfind(text, b" and ")?;
    file_name(&text[at + b" and ".len()..])
}

/// A name as git quotes it in C's manner.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        if byte != b'\\' {
            name.push(byte);
            continue;
        }
        name.push(match *rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            first @ b'0'..=b'3' => {
                let digit = |byte: &u8| byte.checked_sub(b'0').filter(|digit| *digit < 8);
                ((first - b'0') << 6) | (digit(rest.next()?)? << 3) | digit(rest.next()?)?
            }
            other @ (b'"' | b'\\') => other,
            _ => return None,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(start_line: u32, end_line: u32) -> Location {
        Location { path: penstock_common::Masked::EMPTY, start_line, start_column: 1, end_line, end_column: 1 }
    }

    #[test]
    fn added_lines_are_touched_and_context_is_not() {
        let diff = b"diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@ fn f() {\n a\n-b\n+B\n+C\n d\n\\ No newline at end of file\ndiff --git a/y b/y\nnew file mode 100644\n--- /dev/null\n+++ \"b/\\303\\244 \\\"\"\n@@ -0,0 +1 @@\n+++ hi\n";
        let lines = ChangedLines::read(diff).unwrap();
        let touched = |line| lines.touches(b"x", &place(line, line));
        assert_eq!([1, 2, 3, 4].map(touched), [false, true, true, false]);
        assert!(lines.touches(b"x", &place(1, 2)) && !lines.touches(b"z", &place(1, 9)));
        assert!(lines.touches("ä \"".as_bytes(), &place(1, 1)));
    }

    #[test]
    fn what_is_removed_or_binary_has_no_lines_of_its_own() {
        let diff = b"diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\ndiff --git a/k b/k\nBinary files a/k and b/k differ\n";
        let lines = ChangedLines::read(diff).unwrap();
        assert!(!lines.touches(b"x", &place(1, 1)));
        assert!(lines.touches(b"k", &place(7, 7)));
    }

    #[test]
    fn what_is_cut_off_or_strange_is_refused() {
        for diff in
            ["@@ -1,3 +1,4 @@\n a\n", "@@ 1 2 @@\n", "+++ x\n", "@@ -1 +1 @@\nx\n", "@@ -0,0 +1,2 @@\n+a\n-b\n+c\n"]
        {
            assert!(ChangedLines::read(diff.as_bytes()).is_err(), "{diff:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(diff in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = ChangedLines::read(&diff);
        }

        #[test]
        fn nearly_a_difference_is_read_or_refused(diff in "(diff --git a/x b/x\n|--- a/x\n|[+]{3} b/x\n|@@ -[0-9]{1,10},[0-9] [+][0-9]{1,10},[0-9] @@\n|[+ -][a-z]{0,3}\n|\n){0,20}") {
            let _ = ChangedLines::read(diff.as_bytes());
        }
    }
}
