//! Taking in a pack that somebody else sent.
//!
//! Owns checking it before the library sees it: the library makes room for what a pack says its objects are, and a pack can say anything. Each
//! object's size is counted as it unpacks, with a bound on each and on all. Then the library checks every byte and makes the index.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use flate2::bufread::ZlibDecoder;

use super::super::error::chain;
use super::{Bounds, FetchError};

/// Objects that a pack may have.
const OBJECTS: u32 = 2_000_000;
/// Bytes that one object may have.
const OBJECT_BYTES: u64 = 128 << 20;
/// Bytes that all objects may have together.
const ALL_BYTES: u64 = 1 << 30;

/// Writes the pack and its index into `folder`; nothing if the pack is empty, as it is where nothing was missing.
pub(super) fn unpack(mut pack: File, folder: &Path, bounds: &Bounds) -> Result<(), FetchError> {
    if check(&mut BufReader::new(&pack), bounds)? == 0 {
        return Ok(());
    }
    pack.seek(SeekFrom::Start(0)).map_err(FetchError::Keeping)?;
    let left = bounds.time_left()?;
    let interrupt = AtomicBool::new(false);
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            let waiting = waiting;
            if waiting.recv_timeout(left) == Err(mpsc::RecvTimeoutError::Timeout) {
                interrupt.store(true, Ordering::Relaxed);
            }
        });
        let index = AssertUnwindSafe(|| {
            gix_pack::Bundle::write_to_directory(
                &mut BufReader::new(&pack),
                Some(folder),
                &mut gix::progress::Discard,
                &interrupt,
                None::<gix::odb::Handle>,
                gix_pack::bundle::write::Options { thread_limit: Some(2), ..Default::default() },
            )
        });
        // The library asserts some of what it reads from packs.
        let indexed = catch_unwind(index);
        drop(done);
        match indexed {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) if interrupt.load(Ordering::Relaxed) => Err(FetchError::Bound("it took longer than 20 seconds")),
            Ok(Err(error)) => Err(FetchError::Answer(format!("its pack is damaged: {}", chain(&error)))),
            Err(_) => Err(FetchError::Answer("its pack is malformed".to_owned())),
        }
    })
}

/// Goes through all objects and counts their bytes; how many objects there are.
fn check(pack: &mut impl BufRead, bounds: &Bounds) -> Result<u32, FetchError> {
    let broken = |error: io::Error| FetchError::Answer(format!("its pack breaks off: {error}"));
    let malformed = || FetchError::Answer("its pack is malformed".to_owned());
    let mut header = [0; 12];
    pack.read_exact(&mut header).map_err(broken)?;
    let word = |at: usize| header[at..at + 4].iter().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    if &header[..4] != b"PACK" || word(4) != 2 {
        return Err(malformed());
    }
    let objects = word(8);
    if objects > OBJECTS {
        return Err(FetchError::Bound("the server sends too many objects"));
    }
    let too_large = FetchError::Bound;
    let mut all = 0_u64;
    for number in 0..objects {
        if number % 1024 == 0 {
            bounds.time_left()?;
        }
        let (kind, size) = entry(pack).map_err(broken)?.ok_or_else(malformed)?;
        let is_delta = match kind {
            1..=4 => false,
            6 => {
                // How far back its base lies.
                while byte(pack).map_err(broken)? & 0x80 != 0 {}
                true
            }
            // Its base would be elsewhere, which was not asked for.
            _ => return Err(malformed()),
        };
        if size > OBJECT_BYTES {
            return Err(too_large("an object is larger than 128 MiB"));
        }
        let mut content = ZlibDecoder::new(&mut *pack).take(size + 1);
        let mut start = Vec::new();
        let mut result = 0;
        if is_delta {
            content.by_ref().take(20).read_to_end(&mut start).map_err(broken)?;
            result = delta_result(&start).ok_or_else(malformed)?;
        }
        let rest = io::copy(&mut content, &mut io::sink()).map_err(broken)?;
        if start.len() as u64 + rest != size {
            return Err(malformed());
        }
        if result > OBJECT_BYTES {
            return Err(too_large("an object is larger than 128 MiB"));
        }
        all += size + result;
        if all > ALL_BYTES {
            return Err(too_large("the objects are larger than 1 GiB"));
        }
    }
    Ok(objects)
}

/// Kind and size of the next object.
fn entry(pack: &mut impl BufRead) -> io::Result<Option<(u8, u64)>> {
    let first = byte(pack)?;
    let mut size = u64::from(first & 0x0f);
    let mut shift = 4;
    let mut last = first;
    while last & 0x80 != 0 {
        if shift > 56 {
            return Ok(None);
        }
        last = byte(pack)?;
        size |= u64::from(last & 0x7f) << shift;
        shift += 7;
    }
    Ok(Some(((first >> 4) & 7, size)))
}

/// The size of what a delta makes: the second number at its start.
fn delta_result(start: &[u8]) -> Option<u64> {
    let mut numbers = [0_u64; 2];
    let mut bytes = start.iter();
    for number in &mut numbers {
        let mut shift = 0;
        loop {
            let byte = bytes.next()?;
            if shift > 56 {
                return None;
            }
            *number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    Some(numbers[1])
}

fn byte(pack: &mut impl BufRead) -> io::Result<u8> {
    let mut byte = [0];
    pack.read_exact(&mut byte)?;
    Ok(byte[0])
}
