//! Tar: headers and what follows them, forwards only.
//!
//! Owns the format: the header with its checksum, names that are longer than it (GNU and pax), sizes in both notations. Written here and not taken
//! from a library because names and headers of any length are held against a bound, and because a tar that breaks off gives what came before.

use std::io::{self, Read};

use super::meter::Flaw;
use super::number;

/// Everything in a tar comes in blocks of so many bytes.
const BLOCK: usize = 512;
/// Longest name, or list of pax attributes, that is taken up.
const LONGEST_NAME: u64 = 64 << 10;

/// One header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    name: Vec<u8>,
    size: u64,
    kind: u8,
    /// GNU: more blocks of the list of holes follow.
    is_extended: bool,
}

/// The next thing that has content.
pub(super) struct Entry {
    /// As it stands there.
    pub(super) name: Vec<u8>,
    /// Bytes that follow.
    pub(super) size: u64,
}

impl Header {
    /// Reads the first block of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Flaw> {
        let block: &[u8; BLOCK] = bytes.first_chunk().ok_or_else(|| Flaw::damaged("it breaks off"))?;
        let sum =
            block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) });
        if numeric(&block[148..156]) != Some(sum.sum()) {
            return Err(Flaw::damaged("a header in it is not valid"));
        }
        let size = numeric(&block[124..136]).ok_or_else(|| Flaw::damaged("a size in it is not valid"))?;
        let mut name = until_zero(&block[..100]).to_vec();
        let prefix = until_zero(&block[345..500]);
        // Where GNU keeps other things, POSIX keeps the first part of a long name.
        if &block[257..263] == b"ustar\0" && !prefix.is_empty() {
            name = [prefix, b"/", &name].concat();
        }
        let kind = block[156];
        Ok(Self { name, size, kind, is_extended: kind == b'S' && block[482] != 0 })
    }
}

/// A tar, read from its beginning to its end.
pub(super) struct Tar<R> {
    reader: R,
    /// Bytes before the next header.
    ahead: u64,
}

impl<R: Read> Tar<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, ahead: 0 }
    }

    /// Goes to the next file. What is left of the one before is passed over.
    pub(super) fn next(&mut self) -> io::Result<Option<Entry>> {
        let (mut long_name, mut pax_size) = (None, None);
        loop {
            let ahead = std::mem::take(&mut self.ahead);
            if io::copy(&mut self.reader.by_ref().take(ahead), &mut io::sink())? < ahead {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut block = [0; BLOCK];
            match self.block(&mut block)? {
                0 => return Ok(None),
                BLOCK if block == [0; BLOCK] => return Ok(None),
                BLOCK => {}
                _ => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
            let header = Header::read(&block).map_err(io::Error::other)?;
            let mut is_extended = header.is_extended;
            while is_extended {
                self.reader.read_exact(&mut block)?;
                is_extended = block[504] != 0;
            }
            match header.kind {
                b'L' => long_name = Some(until_zero(&self.note(header.size)?).to_vec()),
                b'x' => {
                    let note = self.note(header.size)?;
                    let attribute = |key: &[u8]| pax(&note).filter(|(at, _)| *at == key).map(|(_, value)| value).last();
                    long_name = attribute(b"path").map(<[u8]>::to_vec).or(long_name);
                    pax_size = attribute(b"size").and_then(number::decimal).or(pax_size);
                }
                0 | b'0' | b'7' | b'S' => {
                    let size = pax_size.unwrap_or(header.size);
                    self.ahead = size.saturating_add(padding(size));
                    return Ok(Some(Entry { name: long_name.unwrap_or(header.name), size }));
                }
                kind => {
                    // A link's size is that of what it points to: nothing follows.
                    let size = if matches!(kind, b'1'..=b'6') { 0 } else { header.size };
                    self.ahead = size.saturating_add(padding(size));
                    if kind != b'g' && kind != b'K' {
                        (long_name, pax_size) = (None, None);
                    }
                }
            }
        }
    }

    /// The content of the file that was gone to last.
    pub(super) fn content(&mut self, size: u64) -> impl Read + '_ {
        Counted { inner: self.reader.by_ref().take(size), ahead: &mut self.ahead }
    }

    /// As much of a block as there is.
    fn block(&mut self, block: &mut [u8; BLOCK]) -> io::Result<usize> {
        let mut length = 0;
        while length < BLOCK {
            match self.reader.read(&mut block[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }

    /// What belongs to a header; of an excessive one the beginning.
    fn note(&mut self, size: u64) -> io::Result<Vec<u8>> {
        let mut note = Vec::new();
        let kept = size.min(LONGEST_NAME);
        if (self.reader.by_ref().take(kept).read_to_end(&mut note)? as u64) < kept {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.ahead = (size - kept).saturating_add(padding(size));
        Ok(note)
    }
}

/// Takes what is read off the way to the next header.
struct Counted<'a, R> {
    inner: R,
    ahead: &'a mut u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        *self.ahead = self.ahead.saturating_sub(read as u64);
        Ok(read)
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

/// A number in octal digits, or, where the first bit is set, in bytes.
fn numeric(field: &[u8]) -> Option<u64> {
    let first = *field.first()?;
    if first & 0x80 != 0 {
        let bytes = std::iter::once(first & 0x7f).chain(field[1..].iter().copied());
        return bytes.into_iter().try_fold(0_u64, |sum, byte| sum.checked_mul(256)?.checked_add(u64::from(byte)));
    }
    number::octal(until_zero(field).trim_ascii())
}

/// The attributes of a pax header: `LENGTH KEY=VALUE\n`.
fn pax(mut note: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let space = note.iter().position(|byte| *byte == b' ')?;
        let length = usize::try_from(number::decimal(&note[..space])?).ok()?;
        let record = note.get(space + 1..length)?;
        note = &note[length..];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let equals = record.iter().position(|byte| *byte == b'=')?;
        Some((&record[..equals], &record[equals + 1..]))
    })
}
