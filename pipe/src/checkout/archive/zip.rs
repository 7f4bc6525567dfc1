//! Zip: the directory at its end, and the entries it points to.
//!
//! Owns the format. Written here and not taken from a library because a library reads the whole directory into memory before the first entry, and
//! refuses all entries for one that is broken; here each stands for itself. A zip whose directory is lost is read by the headers of its entries.

use memchr::memmem;

use super::meter::Flaw;
use super::number::{u16_at, u32_at, u64_at};

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
/// The end record without its comment, and the longest comment.
const END_LENGTH: usize = 22;
const LONGEST_COMMENT: usize = 65_535;
/// What stands in a field whose number does not fit in 32 bits.
const ELSEWHERE: u32 = u32::MAX;

/// One file in a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// As it stands there.
    pub(super) name: &'a [u8],
    pub(super) is_encrypted: bool,
    /// The number of its compression.
    pub(super) method: u16,
    /// How long it says it is, and the checksum of that. Without a directory they may not be known.
    pub(super) size: Option<u64>,
    pub(super) crc: Option<u32>,
    /// Compressed. Nothing, if it points outside of the archive.
    pub(super) data: Option<&'a [u8]>,
}

/// The entries of a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entries<'a> {
    bytes: &'a [u8],
    /// Where the next record stands.
    at: usize,
    /// What stands before the archive: offsets do not count it.
    before: usize,
    /// Where the directory ends, if it is there.
    finish: Option<usize>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        match directory(bytes) {
            Some(Directory { start, finish, before }) => Self { bytes, at: start, before, finish: Some(finish) },
            None => Self { bytes, at: 0, before: 0, finish: None },
        }
    }

    /// What keeps entries from being found; known when there are no more.
    pub(super) fn flaw(&self) -> Option<Flaw> {
        match self.finish {
            None => Some(Flaw::damaged("its directory is lost; entries were looked for without it")),
            Some(finish) if self.at < finish => Some(Flaw::damaged("its directory breaks off")),
            Some(_) => None,
        }
    }

    /// What stands before the first entry: a script or a program that opens the archive itself.
    pub(super) fn prefix(&self) -> &'a [u8] {
        &self.bytes[..self.before.min(self.bytes.len())]
    }

    fn central(&mut self) -> Option<Entry<'a>> {
        let record = self.bytes.get(self.at..).filter(|record| record.starts_with(CENTRAL))?;
        let length = |at| u16_at(record, at).map(usize::from);
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let mut wide = Wide::find(record.get(46 + name..46 + name + extra)?);
        let flags = u16_at(record, 8)?;
        // In this order, and only those that did not fit.
        let size = wide.take(u32_at(record, 24)?);
        let compressed = wide.take(u32_at(record, 20)?);
        let offset = wide.take(u32_at(record, 42)?);
        self.at += 46 + name + extra + comment;
        Some(Entry {
            name: record.get(46..46 + name)?,
            is_encrypted: is_encrypted(flags),
            method: u16_at(record, 10)?,
            size: Some(size),
            crc: u32_at(record, 16),
            data: self.data(offset, compressed),
        })
    }

    /// The bytes behind the entry's own header.
    fn data(&self, offset: u64, length: u64) -> Option<&'a [u8]> {
        let at = usize::try_from(offset).ok()?.checked_add(self.before)?;
        let header = self.bytes.get(at..).filter(|header| header.starts_with(LOCAL))?;
        let start = 30 + usize::from(u16_at(header, 26)?) + usize::from(u16_at(header, 28)?);
        header.get(start..)?.get(..usize::try_from(length).ok()?)
    }

    fn local(&mut self) -> Option<Entry<'a>> {
        let header = self.bytes.get(self.at..).filter(|header| header.starts_with(LOCAL))?;
        let (name, extra) = (usize::from(u16_at(header, 26)?), usize::from(u16_at(header, 28)?));
        let start = 30 + name + extra;
        let flags = u16_at(header, 6)?;
        let compressed = u32_at(header, 18)? as usize;
        let rest = header.get(start..)?;
        // With this flag the sizes follow the data. Where the next entry begins, this one has ended; its stream knows where.
        let is_known = flags & 8 == 0 && compressed != ELSEWHERE as usize;
        let length = if is_known { compressed } else { memmem::find(rest, LOCAL).unwrap_or(rest.len()) };
        self.at += start + length.min(rest.len());
        Some(Entry {
            name: header.get(30..30 + name)?,
            is_encrypted: is_encrypted(flags),
            method: u16_at(header, 8)?,
            size: is_known.then_some(u64::from(u32_at(header, 22)?)),
            crc: if is_known { u32_at(header, 14) } else { None },
            data: Some(&rest[..length.min(rest.len())]),
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        if self.finish.is_some() { self.central() } else { self.local() }
    }
}

/// Plainly, strongly, or with the directory itself hidden.
fn is_encrypted(flags: u16) -> bool {
    flags & (1 | 1 << 6 | 1 << 13) != 0
}

/// Where the directory stands, and how much stands before the archive.
struct Directory {
    start: usize,
    finish: usize,
    before: usize,
}

fn directory(bytes: &[u8]) -> Option<Directory> {
    let from = bytes.len().saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let at =
        memmem::rfind_iter(&bytes[from..], END).map(|found| from + found).find(|at| at + END_LENGTH <= bytes.len())?;
    let end = &bytes[at..];
    let (mut finish, mut length, mut offset) = (at, u64::from(u32_at(end, 12)?), u64::from(u32_at(end, 16)?));
    let locator = at.checked_sub(20).and_then(|locator| bytes.get(locator..)).filter(|it| it.starts_with(LOCATOR_64));
    if let Some(locator) = locator {
        // Its offset does not count what stands before the archive; a look backwards finds it all the same.
        let said = usize::try_from(u64_at(locator, 8)?).ok()?;
        let is_there = |at: usize| bytes.get(at..).is_some_and(|record| record.starts_with(END_64));
        let record = if is_there(said) { said } else { memmem::rfind(&bytes[..at - 20], END_64)? };
        finish = record;
        (length, offset) = (u64_at(&bytes[record..], 40)?, u64_at(&bytes[record..], 48)?);
    }
    let offset = usize::try_from(offset).ok()?;
    let start = finish.checked_sub(usize::try_from(length).ok()?)?;
    let is_there = |at: usize| length == 0 || bytes.get(at..).is_some_and(|record| record.starts_with(CENTRAL));
    if start >= offset && is_there(start) {
        Some(Directory { start, finish, before: start - offset })
    } else {
        is_there(offset).then_some(Directory { start: offset, finish, before: 0 })
    }
}

/// The numbers of 64 bits that one of an entry's attributes holds, one after another.
struct Wide<'a>(&'a [u8]);

impl<'a> Wide<'a> {
    /// Finds the attribute in the list of them.
    fn find(mut list: &'a [u8]) -> Self {
        while let (Some(id), Some(length)) = (u16_at(list, 0), u16_at(list, 2).map(usize::from)) {
            let Some(value) = list.get(4..4 + length) else { break };
            if id == 1 {
                return Self(value);
            }
            list = &list[4 + length..];
        }
        Self(&[])
    }

    /// `number`, or the next wide one if it says that it stands elsewhere.
    fn take(&mut self, number: u32) -> u64 {
        let Some((wide, rest)) = self.0.split_first_chunk().filter(|_| number == ELSEWHERE) else {
            return u64::from(number);
        };
        self.0 = rest;
        u64::from_le_bytes(*wide)
    }
}
