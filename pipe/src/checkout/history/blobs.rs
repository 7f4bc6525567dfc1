//! The first pass: every blob once, in the order of the packs, without knowing its path.
//!
//! Owns which blobs are worth the search for their commits. Blobs that cannot be read are kept too: their paths say what was
//! not looked at.

use std::collections::BTreeMap;

use super::bits::Bits;
use super::flaw::Flaw;
use super::look::{Look, Seen};
use super::objects::Objects;
use super::sweep::Sweep;
use crate::checkout::{Limits, Progress};

/// Blobs and bytes after which progress is told.
const STRIDE: u64 = 256;
const STRIDE_BYTES: u64 = 4 << 20;

/// What the first pass found.
#[derive(Default)]
pub(super) struct Sifted {
    /// Numbers of the blobs that are interesting, ascending.
    pub(super) interesting: Vec<u32>,
    /// The blobs that were read.
    pub(super) seen: Bits,
    /// Blobs that were not read, and why.
    pub(super) flaws: BTreeMap<u32, Flaw>,
    /// Blobs read.
    pub(super) blobs: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// Shows every blob to `interesting`.
pub(super) fn sift<I: FnMut(&[u8]) -> bool + Send>(
    objects: &Objects,
    limits: &Limits,
    progress: Option<&dyn Progress>,
    interesting: impl Fn() -> I + Sync,
) -> Sifted {
    let sweep = Sweep::blobs(objects, limits.threads, limits.max_file_size);
    let sieves = sweep.all(|| Sieve {
        objects,
        interesting: interesting(),
        progress,
        untold: (0, 0),
        sifted: Sifted { seen: Bits::new(objects.len()), ..Sifted::default() },
    });
    let mut all = Sifted::default();
    for sieve in sieves {
        sieve.tell();
        all.interesting.extend(sieve.sifted.interesting);
        all.seen.extend(&sieve.sifted.seen);
        all.flaws.extend(sieve.sifted.flaws);
        all.blobs += sieve.sifted.blobs;
        all.bytes += sieve.sifted.bytes;
    }
    all.interesting.sort_unstable();
    all
}

struct Sieve<'a, I> {
    objects: &'a Objects,
    interesting: I,
    progress: Option<&'a dyn Progress>,
    untold: (u64, u64),
    sifted: Sifted,
}

impl<I> Sieve<'_, I> {
    fn tell(&self) {
        if let Some(progress) = self.progress.filter(|_| self.untold.0 > 0) {
            progress.advance(self.untold.0, self.untold.1);
        }
    }
}

impl<I: FnMut(&[u8]) -> bool> Look for Sieve<'_, I> {
    type Note = ();
    const COMPARES: bool = false;

    fn wants(&self, number: u32) -> bool {
        !self.objects.is_twin(number)
    }

    fn see(&mut self, seen: Seen<'_, ()>) {
        if (self.interesting)(seen.bytes) {
            self.sifted.interesting.push(seen.number);
        }
        self.sifted.seen.insert(seen.number);
        let size = seen.bytes.len() as u64;
        self.sifted.blobs += 1;
        self.sifted.bytes += size;
        self.untold = (self.untold.0 + 1, self.untold.1 + size);
        if self.untold.0 >= STRIDE || self.untold.1 >= STRIDE_BYTES {
            self.tell();
            self.untold = (0, 0);
        }
    }

    fn miss(&mut self, number: u32, flaw: Flaw) {
        self.sifted.flaws.insert(number, flaw);
    }
}
