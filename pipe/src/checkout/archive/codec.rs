//! Reading compressed streams: gzip, xz, zstd, and the methods within zip files.
//!
//! Owns the choice of decoder and bounds what a decoder may allocate before it has given a byte. Counts nothing: readers are metered outside.

use std::io::{self, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder};
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder, errors::FrameDecoderError};

use super::kind::Codec;
use super::meter::Flaw;

/// Largest window or dictionary: what `xz -9` and `zstd -19` need, and not more.
const MEMORY_MIB: u64 = 66;

/// A reader of what `bytes` hold.
pub(super) fn decoder(codec: Codec, bytes: &[u8]) -> Box<dyn Read + '_> {
    match codec {
        Codec::Gzip => Box::new(MultiGzDecoder::new(bytes)),
        Codec::Xz => Box::new(XzReader::new_mem_limit(bytes, true, (MEMORY_MIB << 10) as u32)),
        Codec::Zstd => Box::new(Zstd { rest: bytes, frame: None }),
    }
}

/// A reader of an entry of a zip file; its methods are numbers.
pub(super) fn method(number: u16, data: &[u8]) -> Result<Box<dyn Read + '_>, Flaw> {
    Ok(match number {
        0 => Box::new(data),
        8 => Box::new(DeflateDecoder::new(data)),
        93 => decoder(Codec::Zstd, data),
        95 => decoder(Codec::Xz, data),
        9 => return Err(Flaw::Method("deflate64".to_owned())),
        12 => return Err(Flaw::Method("bzip2".to_owned())),
        14 => return Err(Flaw::Method("lzma".to_owned())),
        98 => return Err(Flaw::Method("ppmd".to_owned())),
        99 => return Err(Flaw::Encrypted),
        other => return Err(Flaw::Method(format!("method {other}"))),
    })
}

/// What a decoder's failure means.
pub(super) fn flaw(error: &io::Error) -> Flaw {
    match error.kind() {
        io::ErrorKind::OutOfMemory => Flaw::Memory(MEMORY_MIB),
        io::ErrorKind::Unsupported => Flaw::Method("a variant of its format".to_owned()),
        io::ErrorKind::UnexpectedEof => Flaw::damaged("it breaks off"),
        // A decoder's own words add nothing for people, and may quote the input.
        _ => Flaw::damaged("its compressed data is not valid"),
    }
}

/// All frames of a zstd stream; the library reads one.
struct Zstd<'a> {
    rest: &'a [u8],
    frame: Option<StreamingDecoder<&'a [u8], FrameDecoder>>,
}

impl Read for Zstd<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.rest = frame.get_ref();
                self.frame = None;
            }
            self.rest = after_skippable(self.rest)?;
            if self.rest.is_empty() {
                return Ok(0);
            }
            let opened = StreamingDecoder::new_with_max_window_size(self.rest, MEMORY_MIB << 20);
            self.frame = Some(opened.map_err(|error| match error {
                FrameDecoderError::WindowSizeTooBig { .. } => io::ErrorKind::OutOfMemory.into(),
                error => io::Error::new(io::ErrorKind::InvalidData, error),
            })?);
        }
    }
}

/// `bytes` without the frames at their start that hold notes for programs (RFC 8878, 3.1.2).
fn after_skippable(mut bytes: &[u8]) -> io::Result<&[u8]> {
    while let Some(([0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d], rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([*a, *b, *c, *d]);
        bytes =
            usize::try_from(length).ok().and_then(|length| rest.get(length..)).ok_or(io::ErrorKind::UnexpectedEof)?;
    }
    Ok(bytes)
}
