//! Which files people do not want to be bothered with.
//!
//! Owns the patterns of `.gitignore`, `.git/info/exclude` and `.ignore` files and their order. A pattern decides nothing
//! about tracked files; the walk asks the index for those. Patterns of the user's or the system's configuration do not
//! count: the same tree gives the same answer everywhere.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::platform;

/// Largest file of patterns that is read; a larger one ignores nothing, so that more is scanned rather than less.
const LARGEST: u64 = 4 << 20;

/// The patterns that hold in a folder: its own, before those of the folder above.
#[derive(Default)]
pub(super) struct Patterns {
    own: Vec<Gitignore>,
    above: Option<Arc<Patterns>>,
}

impl Patterns {
    /// The patterns that hold in `folder`, given those above it and the names of its own files of patterns, strongest first.
    pub(super) fn below(above: &Arc<Self>, folder: &Path, names: &[&str]) -> Arc<Self> {
        let own: Vec<_> = names.iter().filter_map(|name| read(folder, &folder.join(name))).collect();
        if own.is_empty() { Arc::clone(above) } else { Arc::new(Self { own, above: Some(Arc::clone(above)) }) }
    }

    /// The patterns of one file, for the tree at `root`.
    pub(super) fn of_file(root: &Path, file: &Path) -> Arc<Self> {
        Arc::new(Self { own: read(root, file).into_iter().collect(), above: None })
    }

    /// Whether `path` itself is ignored. What lies in an ignored folder is not asked for.
    pub(super) fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        let mut next = Some(self);
        while let Some(patterns) = next {
            for own in &patterns.own {
                match own.matched(path, is_folder) {
                    Match::Ignore(_) => return true,
                    Match::Whitelist(_) => return false,
                    Match::None => {}
                }
            }
            next = patterns.above.as_deref();
        }
        false
    }
}

/// The patterns in `file`, which hold from `root` on; none if there is no such plain file.
fn read(root: &Path, file: &Path) -> Option<Gitignore> {
    let opened = platform::open(file).ok()?;
    let text = read_text(&opened)?;
    let mut builder = GitignoreBuilder::new(root);
    for line in text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).split(|byte| *byte == b'\n') {
        // A line that is no text or no pattern ignores nothing.
        if let Ok(line) = std::str::from_utf8(line) {
            let _ = builder.add_line(None, line.strip_suffix('\r').unwrap_or(line));
        }
    }
    builder.build().ok().filter(|patterns| !patterns.is_empty())
}

fn read_text(mut file: &File) -> Option<Vec<u8>> {
    let metadata = file.metadata().ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut text = Vec::new();
    Read::take(&mut file, LARGEST).read_to_end(&mut text).ok()?;
    Some(text)
}
