//! An object as the difference to another one.
//!
//! Owns reading git's delta instructions: copy from the base, or insert. The library does this too, but only behind its
//! object-by-object look-up. Every instruction is checked against both sides; nothing is allocated here.

use super::flaw::Flaw;

/// A part of the result that is a part of the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// Where it begins in the base.
    pub(super) base: u32,
    /// Where it begins in the result.
    pub(super) result: u32,
    /// Its length.
    pub(super) len: u32,
}

/// A delta's sizes: of the base, of the result, and of this header itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) base: u64,
    pub(super) result: u64,
    pub(super) header: usize,
}

/// Bytes that always hold the whole header of a delta.
pub(super) const HEADER: usize = 20;

/// Reads the header.
pub(super) fn sizes(delta: &[u8]) -> Result<Sizes, Flaw> {
    let (base, first) = size(delta)?;
    let (result, second) = size(&delta[first..])?;
    Ok(Sizes { base, result, header: first + second })
}

fn size(bytes: &[u8]) -> Result<(u64, usize), Flaw> {
    let mut size = 0;
    for (at, byte) in bytes.iter().enumerate().take(HEADER / 2) {
        let shift = 7 * at as u32;
        let part = u64::from(byte & 0x7f);
        if shift > 0 && part >> (64 - shift).min(63) != 0 {
            break;
        }
        size |= part << shift;
        if byte & 0x80 == 0 {
            return Ok((size, at + 1));
        }
    }
    Err(Flaw::Damaged("a size in its delta is malformed"))
}

/// Carries out `instructions` (the delta behind its header) on `base`. They must fill `result` exactly. `copied` is told of
/// every part taken from the base, in order.
pub(super) fn apply(
    base: &[u8],
    instructions: &[u8],
    result: &mut [u8],
    mut copied: impl FnMut(Copied),
) -> Result<(), Flaw> {
    const OUTSIDE: Flaw = Flaw::Damaged("its delta points outside of its base or of its own size");
    const SHORT: Flaw = Flaw::Damaged("its delta ends early");
    let (mut at, mut filled) = (0, 0);
    while let Some(&instruction) = instructions.get(at) {
        at += 1;
        let source = if instruction & 0x80 != 0 {
            let mut operand = [0u8; 8];
            // Four bits say which bytes of the offset follow, three which of the length.
            for (bit, place) in [0, 1, 2, 3, 4, 5, 6].into_iter().enumerate() {
                if instruction >> bit & 1 == 1 {
                    operand[place] = *instructions.get(at).ok_or(SHORT)?;
                    at += 1;
                }
            }
            let operand = u64::from_le_bytes(operand);
            let from = (operand & 0xffff_ffff) as usize;
            let len = match (operand >> 32) as usize {
                0 => 0x10000,
                len => len,
            };
            let source = base.get(from..from + len).ok_or(OUTSIDE)?;
            copied(Copied { base: from as u32, result: filled as u32, len: len as u32 });
            source
        } else if instruction != 0 {
            let end = at + usize::from(instruction);
            let source = instructions.get(at..end).ok_or(SHORT)?;
            at = end;
            source
        } else {
            return Err(Flaw::Damaged("its delta holds an unknown instruction"));
        };
        let end = filled + source.len();
        result.get_mut(filled..end).ok_or(OUTSIDE)?.copy_from_slice(source);
        filled = end;
    }
    if filled == result.len() { Ok(()) } else { Err(SHORT) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn applied(base: &[u8], instructions: &[u8], len: usize) -> Result<(Vec<u8>, Vec<Copied>), Flaw> {
        let (mut result, mut parts) = (vec![0; len], Vec::new());
        apply(base, instructions, &mut result, |copied| parts.push(copied))?;
        Ok((result, parts))
    }

    #[test]
    fn copies_and_inserts() {
        let base: Vec<u8> = (0..0x20000u32).map(|at| (at % 251) as u8).collect();
        let (result, parts) = applied(&base, &[3, b'a', b'b', b'c', 0x91, 5, 4], 7).unwrap();
        assert_eq!(result, b"abc\x05\x06\x07\x08");
        assert_eq!(parts, [Copied { base: 5, result: 3, len: 4 }]);
        // No length means 64 KiB; all operand bytes count.
        assert_eq!(applied(&base, &[0x80], 0x10000).unwrap().0, base[..0x10000]);
        assert_eq!(applied(&base, &[0xb7, 1, 2, 1, 3, 1], 0x103).unwrap().0, base[0x10201..0x10304]);
    }

    #[test]
    fn refuses_nonsense() {
        for (instructions, len) in [
            (&[0][..], 0),
            (&[3, 1, 2], 3),
            (&[0x91, 8, 4], 4),
            (&[0x91, 8], 2),
            (&[0x91, 8, 2], 1),
            (&[0x91, 8, 2], 3),
            (&[0xff, 255, 255, 255, 255, 255, 255, 255], 4),
        ] {
            assert!(applied(b"0123456789", instructions, len).is_err(), "{instructions:?}");
        }
        for header in [&[][..], &[0x80], &[5], &[5, 0x80], &[0xff; 30]] {
            assert!(sizes(header).is_err(), "{header:?}");
        }
        assert_eq!(sizes(&[0x85, 1, 7, 99]), Ok(Sizes { base: 133, result: 7, header: 3 }));
    }

    proptest! {
        #[test]
        fn never_panics(base: Vec<u8>, delta: Vec<u8>, len in 0..2000usize) {
            let _ = sizes(&delta);
            let _ = applied(&base, &delta, len);
        }
    }
}
