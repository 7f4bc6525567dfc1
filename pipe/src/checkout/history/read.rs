//! Reading one object wherever it is.
//!
//! Owns random access: a chain of differences is followed to its end and applied. Costs as much as the chain is long, so it is
//! for the few objects that no walk in the order of the packs meets.

use super::delta::{self, HEADER};
use super::flaw::Flaw;
use super::inflate::Inflater;
use super::objects::{Objects, Place};

/// Differences that may lie between an object and a whole one. Git makes at most 4095.
const LONGEST_CHAIN: usize = 100_000;

/// A buffer above this size is not kept for a small difference.
const LARGE: usize = 1 << 20;

impl Objects {
    /// The content of an object, if it and all it builds upon have at most `limit` bytes.
    pub(super) fn read(&self, number: u32, limit: u64) -> Result<Vec<u8>, Flaw> {
        self.read_at(self.place(number).ok_or(Flaw::Damaged("the index of its pack contradicts itself"))?, limit)
    }

    /// The content of the object at a place.
    pub(super) fn read_at(&self, mut place: Place, limit: u64) -> Result<Vec<u8>, Flaw> {
        let mut inflater = Inflater::default();
        let (mut content, mut other) = (Vec::new(), Vec::new());
        let mut chain = Vec::new();
        while let Place::Packed { pack, slot } = place {
            let entry = self.packs()[pack].entry(slot)?;
            if entry.kind.is_some() {
                fits(entry.size, limit)?;
                content.resize(entry.size as usize, 0);
                inflater.whole(entry.stored, &mut content)?;
                break;
            }
            chain.push((pack, slot));
            if chain.len() > LONGEST_CHAIN {
                return Err(Flaw::Damaged("it is stored as differences without end"));
            }
            place = self.base_place(pack, slot)?;
        }
        if let Place::Loose(at) = place {
            self.loose().read(at, limit, &mut content)?;
        }
        let mut instructions = Vec::new();
        for (pack, slot) in chain.into_iter().rev() {
            let entry = self.packs()[pack].entry(slot)?;
            let sizes = inflate_delta(&mut inflater, entry.size, entry.stored, limit, &mut instructions)?;
            fits(sizes.result, limit)?;
            base_fits(sizes.base, content.len())?;
            other.resize(sizes.result as usize, 0);
            delta::apply(&content, &instructions[sizes.header..], &mut other, |_| {})?;
            std::mem::swap(&mut content, &mut other);
        }
        Ok(content)
    }
}

/// Inflates a difference of `size` bytes, unless its result is over `limit`: then only its header.
pub(super) fn inflate_delta(
    inflater: &mut Inflater,
    size: u64,
    stored: &[u8],
    limit: u64,
    instructions: &mut Vec<u8>,
) -> Result<delta::Sizes, Flaw> {
    if size > 1 << 16 {
        let mut head = [0; HEADER];
        let known = inflater.head(stored, &mut head)?;
        let sizes = delta::sizes(&head[..known])?;
        if sizes.result > limit {
            return Ok(sizes);
        }
        // Git makes a difference only where it is shorter than its result.
        if size / 2 > sizes.result + (1 << 16) {
            return Err(Flaw::Damaged("its delta is far longer than its result"));
        }
    }
    let size = usize::try_from(size).map_err(|_| Flaw::TooLarge { size })?;
    if size < LARGE && instructions.capacity() > LARGE {
        *instructions = Vec::new();
    }
    instructions.resize(size, 0);
    inflater.whole(stored, instructions)?;
    delta::sizes(instructions)
}

/// A difference must be to an object of the size it says.
pub(super) fn base_fits(claimed: u64, base: usize) -> Result<(), Flaw> {
    if claimed == base as u64 { Ok(()) } else { Err(Flaw::Damaged("its delta is to an object of another size")) }
}

fn fits(size: u64, limit: u64) -> Result<(), Flaw> {
    if size > limit { Err(Flaw::TooLarge { size }) } else { Ok(()) }
}
