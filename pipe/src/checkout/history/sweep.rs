//! One walk over all objects of a kind, or over some of them, by all threads.
//!
//! Owns cutting the walk into work, starting the threads, and the second try: an object whose first copy is damaged is read
//! from any other.

use std::num::NonZero;

use gix::objs::Kind;

use super::bits::Bits;
use super::flaw::Flaw;
use super::look::{Look, Seen};
use super::objects::{Objects, Place};
use super::queue::{Job, Queue};
use super::walk::{Bounds, Marks, Walker};

/// Roots that one piece of work has: few enough that threads end together, enough that taking them costs nothing.
const BATCH: usize = 16;

/// Bytes that all threads together may hold of objects that others build upon.
pub(super) const HELD: usize = 32 << 20;

/// Folders and commits over this size are not read.
pub(super) const LARGEST_FOLDER: u64 = 64 << 20;

/// Who walks and how far.
#[derive(Clone, Copy)]
pub(super) struct Sweep<'a> {
    pub(super) objects: &'a Objects,
    pub(super) kind: Kind,
    pub(super) threads: usize,
    /// Larger objects are named, not seen.
    pub(super) largest: u64,
    /// Bytes that all threads together hold of objects that others build upon.
    pub(super) held: usize,
}

impl<'a> Sweep<'a> {
    /// A walk over the blobs of at most `largest` bytes.
    pub(super) fn blobs(objects: &'a Objects, threads: usize, largest: u64) -> Self {
        Self { objects, kind: Kind::Blob, threads, largest, held: HELD }
    }

    /// A walk over folders or commits.
    pub(super) fn of(kind: Kind, objects: &'a Objects, threads: usize) -> Self {
        Self { objects, kind, threads, largest: LARGEST_FOLDER, held: HELD }
    }
}

impl Sweep<'_> {
    /// Shows every object of the kind to the look of one of the threads.
    pub(super) fn all<L: Look + Send>(&self, look: impl Fn() -> L + Sync) -> Vec<L> {
        self.run(None, look)
    }

    /// Reads no more than what is needed for the objects in `wanted`; the looks must want no others.
    pub(super) fn some<L: Look + Send>(
        &self,
        wanted: impl IntoIterator<Item = u32>,
        look: impl Fn() -> L + Sync,
    ) -> Vec<L> {
        let packs = self.objects.packs();
        let mut marks: Marks = packs.iter().map(|pack| Bits::new(pack.layout.len())).collect();
        for number in wanted {
            let Some(Place::Packed { pack, mut slot }) = self.objects.place(number) else { continue };
            while marks[pack].insert(slot) {
                match packs[pack].layout.base(slot) {
                    super::layout::Base::Slot(base) => slot = base,
                    _ => break,
                }
            }
        }
        self.run(Some(&marks), look)
    }

    fn run<L: Look + Send>(&self, marks: Option<&Marks>, look: impl Fn() -> L + Sync) -> Vec<L> {
        let queue = Queue::new(self.jobs(marks));
        let threads = NonZero::new(self.threads).map_or(1, NonZero::get);
        let bounds =
            Bounds { largest: self.largest, largest_base: self.largest.saturating_mul(4), held: self.held / threads };
        let walk = || Walker::new(self.objects, self.kind, &queue, marks, bounds, look()).run();
        let ended: Vec<_> = if threads == 1 {
            vec![walk()]
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(walk)).collect();
                workers
                    .into_iter()
                    .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                    .collect()
            })
        };
        let (mut looks, damaged): (Vec<L>, Vec<_>) = ended.into_iter().unzip();
        let lost = self
            .objects
            .packs()
            .iter()
            .enumerate()
            .flat_map(|(at, pack)| pack.layout.lost().iter().map(move |slot| self.objects.packed(at, *slot)));
        let lost = lost.map(|number| (number, Flaw::Damaged("its entry in the pack makes no sense")));
        if let Some(first) = looks.first_mut() {
            for (number, flaw) in damaged.into_iter().flatten().chain(lost) {
                self.try_copies(first, number, flaw);
            }
        }
        looks
    }

    /// Shows another copy of an object whose own cannot be read. What an unreadable entry is, nobody knows: it is named as a
    /// blob that is missed, unless a copy tells better.
    fn try_copies<L: Look>(&self, look: &mut L, number: u32, flaw: Flaw) {
        if !look.wants(number) {
            return;
        }
        for copy in self.objects.copies(number) {
            let Some(kind) = self.objects.kind(copy) else { continue };
            if kind != self.kind {
                return;
            }
            if let Ok(bytes) = self.objects.read(copy, self.largest) {
                look.see(Seen { number, bytes: &bytes, base: None });
                return;
            }
        }
        look.miss(number, flaw);
    }

    fn jobs(&self, marks: Option<&Marks>) -> Vec<Job> {
        let mut jobs = Vec::new();
        for (pack, held) in self.objects.packs().iter().enumerate() {
            let roots = held.layout.roots(self.kind);
            for from in (0..roots.len()).step_by(BATCH) {
                let to = (from + BATCH).min(roots.len());
                if marks.is_none_or(|marks| roots[from..to].iter().any(|root| marks[pack].contains(*root))) {
                    jobs.push(Job::Roots { pack, from, to });
                }
            }
        }
        let loose = self.objects.loose().len();
        jobs.extend((0..loose).step_by(BATCH).map(|from| Job::Loose { from, to: (from + BATCH).min(loose) }));
        jobs
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tests::versions;
    use super::*;
    use crate::checkout::fixture::Fixture;

    struct Keep(BTreeMap<u32, Vec<u8>>);

    impl Look for Keep {
        type Note = ();
        const COMPARES: bool = false;

        fn wants(&self, _: u32) -> bool {
            true
        }

        fn see(&mut self, seen: Seen<'_, ()>) {
            self.0.insert(seen.number, seen.bytes.to_vec());
        }

        fn miss(&mut self, _: u32, _: Flaw) {}
    }

    #[test]
    fn holding_nothing_only_takes_longer() {
        let git = Fixture::new();
        versions(&git, 30);
        git.git(&["repack", "-adfq", "--depth=20", "--window=40"]);
        let objects = Objects::open(&[git.at(".git/objects")], gix::hash::Kind::Sha1, &mut Vec::new()).unwrap();
        let mut kept = [HELD, 500, 0].into_iter().map(|held| {
            let sweep = Sweep { held, ..Sweep::blobs(&objects, 2, 1 << 20) };
            let looks = sweep.all(|| Keep(BTreeMap::new()));
            looks.into_iter().flat_map(|look| look.0).collect::<BTreeMap<_, _>>()
        });
        let expected = kept.next().unwrap();
        assert_eq!(expected.len(), 60);
        assert!(kept.all(|kept| kept == expected));
    }
}
