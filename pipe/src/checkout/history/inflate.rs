//! Inflating what packs hold.
//!
//! Owns the one inflater of a worker. Sizes are known beforehand, so the output is one slice that the caller bounds; nothing
//! is allocated here.

use gix::features::zlib::{Decompress, FlushDecompress, Status};

use super::flaw::Flaw;

/// No deflated stream expands by more than this; a header that claims more lies.
const LARGEST_RATIO: u64 = 1032;

/// One zlib state, used again and again.
#[derive(Default)]
pub(super) struct Inflater {
    zlib: Decompress,
}

impl Inflater {
    /// Inflates `stored` into `out`, which it must fill exactly. Bytes after the stream's end are of no concern.
    pub(super) fn whole(&mut self, stored: &[u8], out: &mut [u8]) -> Result<(), Flaw> {
        // The inflater wants room even for a stream that holds nothing.
        let mut none = [0; 1];
        let room = if out.is_empty() { &mut none[..] } else { &mut *out };
        self.zlib.reset();
        match self.zlib.decompress(stored, room, FlushDecompress::Finish) {
            Ok(Status::StreamEnd) if self.zlib.total_out() == out.len() as u64 => Ok(()),
            Ok(Status::StreamEnd) => Err(Flaw::Damaged("its size is not the one in its header")),
            Ok(_) => Err(Flaw::Damaged("its data ends early")),
            Err(_) => Err(Flaw::Damaged("its data cannot be inflated")),
        }
    }

    /// Inflates the first bytes of `stored`, as many as `out` has room for; how many there were.
    pub(super) fn head(&mut self, stored: &[u8], out: &mut [u8]) -> Result<usize, Flaw> {
        self.zlib.reset();
        match self.zlib.decompress(stored, out, FlushDecompress::None) {
            Ok(_) => Ok(usize::try_from(self.zlib.total_out()).unwrap_or(0).min(out.len())),
            Err(_) => Err(Flaw::Damaged("its data cannot be inflated")),
        }
    }
}

/// Whether `stored` bytes can inflate to `claimed`: checked before anything of that size is allocated.
pub(super) fn plausible(claimed: u64, stored: usize) -> Result<(), Flaw> {
    if claimed / LARGEST_RATIO > stored as u64 {
        return Err(Flaw::Damaged("its header claims a size that its data cannot have"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn inflates_exactly() {
        let mut inflater = Inflater::default();
        for size in [0, 1, 1000, 300_000] {
            let content: Vec<u8> = (0..size).map(|at: u32| (at.wrapping_mul(at) >> 7) as u8).collect();
            let mut stored = deflated(&content);
            stored.extend_from_slice(b"the next entry");
            let mut out = vec![0; content.len()];
            inflater.whole(&stored, &mut out).unwrap();
            assert_eq!(out, content);
            let mut larger = vec![0; content.len() + 1];
            assert!(inflater.whole(&stored, &mut larger).is_err());
            if size > 0 {
                assert!(inflater.whole(&stored, &mut out[1..]).is_err());
                assert!(inflater.whole(&stored[..stored.len() / 2 - 4], &mut out).is_err());
            }
            let mut head = [0; 20];
            let known = inflater.head(&stored, &mut head).unwrap();
            assert_eq!(head[..known], content[..content.len().min(20)]);
        }
    }

    #[test]
    fn refuses_impossible_sizes() {
        let stored = deflated(&vec![0; 10_000_000]);
        assert_eq!(plausible(10_000_000, stored.len()), Ok(()));
        assert!(plausible(u64::MAX, stored.len()).is_err());
    }
}
