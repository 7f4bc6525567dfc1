//! What is within archives: zip and its kin, tar, and what gzip, xz or zstd compressed.
//!
//! Owns the walk through an archive and those nested in it, within [`ArchiveLimits`], and naming what could not be looked at. Entries become
//! [`Item`]s called `outer.zip!inner/path`; their names are labels, and nothing is ever written or opened under them. One entry at a time is held
//! in memory. Everything is read by Rust code that allocates no more than what it has read, or a bounded window.

mod codec;
mod kind;
mod meter;
mod number;
mod tar;
mod zip;

use std::io::{self, Read};
use std::sync::Arc;

use crate::checkout::{CommitInfo, Skipped};

pub use meter::ArchiveLimits;

use super::{Item, path};
use kind::{Codec, Kind};
use meter::{Flaw, Meter};

/// Stands between an archive and what is in it, as in gitleaks.
const SEPARATOR: u8 = b'!';
/// What is named of one outer archive before the rest is only counted.
const NAMED: usize = 50;
/// Longest name of an entry that is kept.
const LONGEST_LABEL: usize = 1024;

/// Whether [`visit_entries`] would look into `bytes`.
pub fn is_archive(bytes: &[u8]) -> bool {
    kind::of(bytes).is_some()
}

/// Hands everything in the archive `item` to `each`; an item that is no archive, itself. What was passed over is handed back.
pub fn visit_entries(item: Item<'_>, limits: &ArchiveLimits, each: &mut dyn FnMut(Item<'_>)) -> Vec<Skipped> {
    let meter = Meter::new(*limits, item.bytes.len() as u64);
    let mut walk = Walk {
        limits,
        meter: &meter,
        outer: item.path,
        commit: item.commit,
        each,
        spare: Vec::new(),
        skipped: Vec::new(),
        unnamed: (0, true),
    };
    walk.content(item.path, item.bytes, 0);
    walk.finish()
}

/// The way through one outer archive.
struct Walk<'w> {
    limits: &'w ArchiveLimits,
    meter: &'w Meter,
    outer: &'w [u8],
    commit: Option<&'w Arc<CommitInfo>>,
    each: &'w mut dyn FnMut(Item<'_>),
    /// Buffers that entries were read into, to be used again.
    spare: Vec<Vec<u8>>,
    skipped: Vec<Skipped>,
    /// How many were skipped without being named, and whether all by a limit.
    unnamed: (u64, bool),
}

impl Walk<'_> {
    /// Looks at one content, `depth` archives down: into it, or as it is.
    fn content(&mut self, path: &[u8], bytes: &[u8], depth: u32) {
        let Some(kind) = kind::of(bytes) else { return self.visit(path, bytes) };
        if depth >= self.limits.depth {
            self.skip(path, &Flaw::Depth(self.limits.depth));
            return self.visit(path, bytes);
        }
        match kind {
            Kind::Zip => self.zip(path, bytes, depth + 1),
            Kind::Tar => self.tar(path, bytes, depth + 1),
            Kind::Compressed(codec) => self.stream(path, codec, bytes, depth + 1),
            Kind::Foreign(format) => {
                self.skip(path, &Flaw::Foreign(format));
                self.visit(path, bytes);
            }
        }
    }

    fn visit(&mut self, path: &[u8], bytes: &[u8]) {
        (self.each)(Item { path, bytes, lines: None, commit: self.commit });
    }

    fn zip(&mut self, path: &[u8], bytes: &[u8], depth: u32) {
        let mut entries = zip::Entries::new(bytes);
        if !entries.prefix().is_empty() {
            self.visit(path, entries.prefix());
        }
        // Honest entries share no bytes. Where they do, a small file could cost endless work without inflating to much.
        let mut left = bytes.len();
        for entry in entries.by_ref() {
            if !self.meter.entry() {
                return self.stop();
            }
            let name = label(path, entry.name);
            let reader = match entry.data {
                _ if entry.name.ends_with(b"/") => continue,
                _ if entry.is_encrypted => Err(Flaw::Encrypted),
                Some(data) if data.len() > left => Err(Flaw::Overlap),
                Some(data) => {
                    left -= data.len();
                    codec::method(entry.method, data)
                }
                None => Err(Flaw::damaged("it lies outside of the archive")),
            };
            match reader {
                Ok(reader) => {
                    let expected = Expected { size: entry.size, crc: entry.crc };
                    self.entry(&name, &mut self.meter.read(reader), expected, depth);
                }
                Err(flaw) => self.skip(&name, &flaw),
            }
        }
        if let Some(flaw) = entries.flaw() {
            self.skip(path, &flaw);
        }
    }

    fn tar(&mut self, path: &[u8], reader: impl Read, depth: u32) {
        let mut tar = tar::Tar::new(reader);
        loop {
            match tar.next() {
                Ok(Some(_)) if !self.meter.entry() => return self.stop(),
                Ok(Some(entry)) => {
                    let name = label(path, &entry.name);
                    let expected = Expected { size: Some(entry.size), crc: None };
                    self.entry(&name, &mut tar.content(entry.size), expected, depth);
                }
                Ok(None) => return,
                Err(error) => return self.fail(path, &error),
            }
        }
    }

    /// A compressed tar is one archive; anything else that is compressed is an archive of one.
    fn stream(&mut self, path: &[u8], codec: Codec, bytes: &[u8], depth: u32) {
        let mut reader = self.meter.read(codec::decoder(codec, bytes));
        let mut head = Vec::new();
        let opened = reader.by_ref().take(512).read_to_end(&mut head);
        match opened {
            Ok(_) if kind::is_tar(&head) => self.tar(path, head.chain(reader), depth),
            // What came before a failure is looked at; the reader will fail again, and be named then.
            _ => {
                let name = label(path, stem(path));
                let expected = Expected { size: None, crc: None };
                match opened {
                    Ok(_) => self.entry(&name, &mut head.chain(reader), expected, depth),
                    Err(error) => {
                        self.fail(path, &error);
                        self.content(&name, &head, depth);
                    }
                }
            }
        }
    }

    /// Reads one entry and looks at it.
    fn entry(&mut self, name: &[u8], reader: &mut dyn Read, expected: Expected, depth: u32) {
        if expected.size.is_some_and(|size| size > self.limits.file) {
            return self.skip(name, &Flaw::TooLarge(self.limits.file));
        }
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        let outcome = reader.take(self.limits.file.saturating_add(1)).read_to_end(&mut buffer);
        if buffer.len() as u64 > self.limits.file {
            self.skip(name, &Flaw::TooLarge(self.limits.file));
        } else {
            match outcome {
                Err(error) => self.fail(name, &error),
                Ok(_) => self.skip_some(name, expected.flaw(&buffer)),
            }
            // What came before the flaw is looked at.
            self.content(name, &buffer, depth);
        }
        self.spare.push(buffer);
    }

    /// Reading `name` failed: a limit of the whole was reached, or it is damaged.
    fn fail(&mut self, name: &[u8], error: &io::Error) {
        if self.meter.exceeded().is_some() {
            return self.stop();
        }
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Flaw>());
        self.skip(name, &inner.cloned().unwrap_or_else(|| codec::flaw(error)));
    }

    /// A limit of the whole was reached.
    fn stop(&mut self) {
        let flaw = self.meter.exceeded_first();
        self.skip_some(self.outer, flaw);
    }

    fn skip_some(&mut self, name: &[u8], flaw: Option<Flaw>) {
        if let Some(flaw) = flaw {
            self.skip(name, &flaw);
        }
    }

    fn skip(&mut self, name: &[u8], flaw: &Flaw) {
        if self.skipped.len() >= NAMED {
            self.unnamed = (self.unnamed.0 + 1, self.unnamed.1 && flaw.is_limit());
            return;
        }
        let by_limit = flaw.is_limit();
        self.skipped.push(Skipped { subject: path::display(name), reason: flaw.to_string(), by_limit });
    }

    fn finish(mut self) -> Vec<Skipped> {
        if let (count @ 1.., by_limit) = self.unnamed {
            let reason = format!("{count} further entries in it were not looked at");
            self.skipped.push(Skipped { subject: path::display(self.outer), reason, by_limit });
        }
        self.skipped
    }
}

/// What an archive says of an entry.
#[derive(Clone, Copy)]
struct Expected {
    size: Option<u64>,
    crc: Option<u32>,
}

impl Expected {
    fn flaw(self, content: &[u8]) -> Option<Flaw> {
        if self.size.is_some_and(|size| size > content.len() as u64) {
            Some(Flaw::damaged("it breaks off"))
        } else {
            let differs = self.crc.is_some_and(|crc| crc != crc32fast::hash(content));
            differs.then(|| Flaw::damaged("its checksum is another"))
        }
    }
}

/// `outer!inner`, of bounded length.
fn label(outer: &[u8], inner: &[u8]) -> Vec<u8> {
    let mut name = outer.to_vec();
    name.push(SEPARATOR);
    name.extend_from_slice(&inner[..inner.len().min(LONGEST_LABEL)]);
    name
}

/// The last part of a path without its last ending: what `gunzip` would call it.
fn stem(path: &[u8]) -> &[u8] {
    let name = path.rsplit(|byte| matches!(*byte, b'/' | SEPARATOR)).next().unwrap_or(path);
    match memchr::memrchr(b'.', name) {
        Some(at @ 1..) => &name[..at],
        _ => name,
    }
}
