//! Walking the families of objects that are stored as differences to each other.
//!
//! Owns reading every object of a family once, each from the content of the one it builds upon, while holding few of them: an
//! object is let go before the walk takes its last child. What still is too much is dropped and read again when needed.
//! What the objects mean is the business of the [`Look`] that
//! is taken at them.

use gix::objs::Kind;

use super::bits::Bits;
use super::delta::{self, Copied};
use super::flaw::Flaw;
use super::inflate::Inflater;
use super::layout::{Base, NONE};
use super::look::{Look, Seen};
use super::objects::{Objects, Place};
use super::queue::{Job, Queue};
use super::read::{base_fits, inflate_delta};

/// Bounds of a walk.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Larger objects are not seen.
    pub(super) largest: u64,
    /// Larger objects are not read either for what builds upon them.
    pub(super) largest_base: u64,
    /// Bytes that may be held besides the objects in hand.
    pub(super) held: usize,
}

/// Entries to visit: those wanted, and what they build upon. One set of slots per pack.
pub(super) type Marks = Vec<Bits>;

/// One thread's part in a walk.
pub(super) struct Walker<'a, L: Look> {
    objects: &'a Objects,
    kind: Kind,
    queue: &'a Queue,
    marks: Option<&'a Marks>,
    bounds: Bounds,
    look: L,
    inflater: Inflater,
    instructions: Vec<u8>,
    copied: Vec<Copied>,
    path: Vec<Step<L::Note>>,
    held: usize,
    spare: Vec<Vec<u8>>,
    damaged: Vec<(u32, Flaw)>,
}

/// An object on the way from the root to the one in hand, with children still to be visited.
struct Step<Note> {
    place: Place,
    next: u32,
    content: Option<Vec<u8>>,
    note: Option<Note>,
}

impl<'a, L: Look> Walker<'a, L> {
    pub(super) fn new(
        objects: &'a Objects,
        kind: Kind,
        queue: &'a Queue,
        marks: Option<&'a Marks>,
        bounds: Bounds,
        look: L,
    ) -> Self {
        Self {
            objects,
            kind,
            queue,
            marks,
            bounds,
            look,
            inflater: Inflater::default(),
            instructions: Vec::new(),
            copied: Vec::new(),
            path: Vec::new(),
            held: 0,
            spare: Vec::new(),
            damaged: Vec::new(),
        }
    }

    /// Takes work until there is none. The look, and the objects whose copy that was visited is damaged.
    pub(super) fn run(mut self) -> (L, Vec<(u32, Flaw)>) {
        let queue = self.queue;
        queue.work(|job| match job {
            Job::Roots { pack, from, to } => {
                for at in from..to {
                    self.family(pack, self.objects.packs()[pack].layout.roots(self.kind)[at]);
                }
            }
            Job::Branch { pack, slot } => self.family(pack, slot),
            Job::Loose { from, to } => (from..to).for_each(|at| self.loose(at)),
        });
        (self.look, self.damaged)
    }

    fn loose(&mut self, at: usize) {
        let number = self.objects.loosened(at);
        if self.objects.loose().kind(at) != self.kind || !self.look.wants(number) {
            return;
        }
        let mut content = self.spare.pop().unwrap_or_default();
        match self.objects.loose().read(at, self.bounds.largest, &mut content) {
            Ok(()) => {
                self.look.see(Seen { number, bytes: &content, base: None });
            }
            Err(flaw) => self.miss(number, flaw),
        }
        self.recycle(Some(content));
    }

    /// Visits an entry and all that builds upon it.
    fn family(&mut self, pack: usize, top: u32) {
        if !self.is_marked(pack, top) {
            return;
        }
        let layout = &self.objects.packs()[pack].layout;
        let first = match layout.base(top) {
            Base::Whole => self.whole(pack, top),
            // A branch that was given away, or a base in another pack: only its place is known.
            Base::Slot(_) | Base::Outside => match self.objects.base_place(pack, top) {
                Ok(place) => self.difference(pack, top, &mut Step { place, next: NONE, content: None, note: None }),
                Err(flaw) => self.lose(pack, top, &flaw),
            },
            Base::Lost => None,
        };
        self.push(first);
        while let Some(mut step) = self.pop() {
            let child = step.next;
            step.next = self.marked_from(pack, layout.next_sibling(child));
            if step.next != NONE && layout.first_child(child) != NONE && self.queue.is_hungry() {
                self.queue.give(Job::Branch { pack, slot: child });
                self.push(Some(step));
                continue;
            }
            let deeper = self.difference(pack, child, &mut step);
            if step.next == NONE {
                self.recycle(step.content);
            } else {
                self.push(Some(step));
            }
            self.push(deeper);
        }
    }

    /// Sees an entry that is whole. What its children need of it, if it has any.
    fn whole(&mut self, pack: usize, slot: u32) -> Option<Step<L::Note>> {
        let (number, wanted, next) = self.prospects(pack, slot)?;
        let entry = match self.objects.packs()[pack].entry(slot) {
            Ok(entry) => entry,
            Err(flaw) => return self.lose(pack, slot, &flaw),
        };
        let place = Place::Packed { pack, slot };
        if entry.size > self.bounds.largest {
            if wanted {
                self.look.miss(number, Flaw::TooLarge { size: entry.size });
            }
            return (next != NONE).then_some(Step { place, next, content: None, note: None });
        }
        let mut content = self.room(entry.size);
        if let Err(flaw) = self.inflater.whole(entry.stored, &mut content) {
            self.recycle(Some(content));
            return self.lose(pack, slot, &flaw);
        }
        let note = wanted.then(|| self.look.see(Seen { number, bytes: &content, base: None }));
        self.onward(Step { place, next, content: Some(content), note })
    }

    /// Sees an entry that is a difference to `base`. What its children need of it, if it has any.
    fn difference(&mut self, pack: usize, slot: u32, base: &mut Step<L::Note>) -> Option<Step<L::Note>> {
        let (number, wanted, next) = self.prospects(pack, slot)?;
        let Bounds { largest, largest_base, .. } = self.bounds;
        let sizes = self.objects.packs()[pack].entry(slot).and_then(|entry| {
            inflate_delta(&mut self.inflater, entry.size, entry.stored, largest, &mut self.instructions)
        });
        let sizes = match sizes {
            Ok(sizes) => sizes,
            Err(flaw) => return self.lose(pack, slot, &flaw),
        };
        let place = Place::Packed { pack, slot };
        if sizes.result > largest {
            if wanted {
                self.look.miss(number, Flaw::TooLarge { size: sizes.result });
            }
            return (next != NONE).then_some(Step { place, next, content: None, note: None });
        }
        // A base that is too large to be seen is read by one thread at a time, and not kept.
        let lone = (sizes.base > largest).then(|| self.queue.alone());
        let from = match &mut base.content {
            Some(content) => content,
            // Too large, dropped for want of room, or never had.
            missing => match self.objects.read_at(base.place, if lone.is_some() { largest_base } else { largest }) {
                Ok(content) => missing.insert(content),
                Err(Flaw::TooLarge { size }) => return self.lose(pack, slot, &Flaw::BaseTooLarge { size }),
                Err(flaw) => return self.lose(pack, slot, &flaw),
            },
        };
        let mut content = take_room(&mut self.spare, sizes.result);
        self.copied.clear();
        let applied = base_fits(sizes.base, from.len()).and_then(|()| {
            delta::apply(from, &self.instructions[sizes.header..], &mut content, |part| {
                if L::COMPARES {
                    self.copied.push(part);
                }
            })
        });
        if lone.is_some() {
            base.content = None;
        }
        drop(lone);
        if let Err(flaw) = applied {
            self.recycle(Some(content));
            return self.lose(pack, slot, &flaw);
        }
        let common = base.note.as_ref().map(|note| (note, &self.copied[..]));
        let note = wanted.then(|| self.look.see(Seen { number, bytes: &content, base: common }));
        self.onward(Step { place, next, content: Some(content), note })
    }

    /// An entry's number, whether it is to be seen, and its first child; `None` if there is neither use.
    fn prospects(&self, pack: usize, slot: u32) -> Option<(u32, bool, u32)> {
        let number = self.objects.packed(pack, slot);
        let wanted = self.look.wants(number);
        let next = self.marked_from(pack, self.objects.packs()[pack].layout.first_child(slot));
        (wanted || next != NONE).then_some((number, wanted, next))
    }

    fn onward(&mut self, step: Step<L::Note>) -> Option<Step<L::Note>> {
        if step.next != NONE {
            return Some(step);
        }
        self.recycle(step.content);
        None
    }

    /// Names an entry and all that builds upon it as not to be read.
    fn lose<T>(&mut self, pack: usize, slot: u32, flaw: &Flaw) -> Option<T> {
        let layout = &self.objects.packs()[pack].layout;
        let mut open = vec![slot];
        while let Some(slot) = open.pop() {
            let number = self.objects.packed(pack, slot);
            if self.is_marked(pack, slot) && self.look.wants(number) {
                self.miss(number, flaw.clone());
            }
            open.extend(layout.children(slot));
        }
        None
    }

    fn miss(&mut self, number: u32, flaw: Flaw) {
        if flaw.is_limit() {
            self.look.miss(number, flaw);
        } else {
            self.damaged.push((number, flaw));
        }
    }

    fn is_marked(&self, pack: usize, slot: u32) -> bool {
        self.marks.is_none_or(|marks| marks[pack].contains(slot))
    }

    /// The first marked entry in the list of siblings that begins with `slot`.
    fn marked_from(&self, pack: usize, mut slot: u32) -> u32 {
        while slot != NONE && !self.is_marked(pack, slot) {
            slot = self.objects.packs()[pack].layout.next_sibling(slot);
        }
        slot
    }

    fn push(&mut self, step: Option<Step<L::Note>>) {
        let Some(step) = step else { return };
        self.held += step.content.as_ref().map_or(0, Vec::len);
        self.path.push(step);
        // What is lowest is needed last.
        let mut lowest = 0;
        while self.held > self.bounds.held && lowest + 1 < self.path.len() {
            if let Some(content) = self.path[lowest].content.take() {
                self.held -= content.len();
            }
            lowest += 1;
        }
    }

    fn pop(&mut self) -> Option<Step<L::Note>> {
        let step = self.path.pop()?;
        self.held -= step.content.as_ref().map_or(0, Vec::len);
        Some(step)
    }

    fn room(&mut self, size: u64) -> Vec<u8> {
        take_room(&mut self.spare, size)
    }

    fn recycle(&mut self, content: Option<Vec<u8>>) {
        let fits = |content: &Vec<u8>| content.capacity() <= LARGEST_SPARE && self.spare.len() < SPARES;
        if let Some(content) = content.filter(fits) {
            self.spare.push(content);
        }
    }
}

/// Buffers that are kept for what comes next, and how large each may be.
const SPARES: usize = 8;
const LARGEST_SPARE: usize = 1 << 20;

/// A buffer of `size` bytes with anything in it. The caller has bounded the size.
fn take_room(spare: &mut Vec<Vec<u8>>, size: u64) -> Vec<u8> {
    let mut room = spare.pop().unwrap_or_default();
    let size = size as usize;
    if room.capacity() < size {
        // Growing would copy what nobody wants.
        room = Vec::with_capacity(size);
    }
    room.resize(size, 0);
    room
}
