//! The two loops that touch every byte, compiled once for any processor and once for one with AVX2.
//!
//! Owns choosing between the two, and the only `unsafe` code of the program: calling a function that is compiled for instructions which not
//! every processor has. Nothing else here is unsafe: no pointer is read, every index is checked, and no byte beyond a slice is touched. Each
//! function has a plain twin, which a test holds it against. Decides nothing about what the bytes mean.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "only so can a function be called that is compiled for what the processor has")
)]

/// Bytes whose trigrams are numbered at once.
pub(super) const BLOCK: usize = 512;
/// Bytes that one mask tells of.
pub(super) const MASK: usize = u64::BITS as usize;
/// Places are written this many at once.
const TOGETHER: usize = 4;

/// A block with the two bytes after it.
pub(super) type Block = [u8; BLOCK + 2];

/// The places of a block that pass.
pub(super) struct Sieve {
    trigrams: [u16; BLOCK],
    places: [u16; BLOCK + TOGETHER],
    count: usize,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { trigrams: [0; BLOCK], places: [0; BLOCK + TOGETHER], count: 0 }
    }
}

impl Sieve {
    /// Finds the places whose trigram `passes` holds 1 for. A trigram is numbered as `build/filter.rs` does.
    #[inline]
    pub(super) fn fill(&mut self, block: &Block, passes: &[u8; 1 << 16]) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt") {
            // SAFETY: the function asks for nothing but these three features, and the processor has just said that it has them.
            unsafe { x86::sieve(self, block, passes) };
            return;
        }
        self.fill_plainly(block, passes);
    }

    /// The places, ascending, each with its trigram.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, u16)> {
        let places = self.places[..self.count].iter();
        places.map(|&place| (usize::from(place), self.trigrams[usize::from(place) % BLOCK]))
    }

    // Inlined into the function of each processor, and compiled for it there.
    #[inline(always)]
    fn fill_plainly(&mut self, block: &Block, passes: &[u8; 1 << 16]) {
        let (first, second, third) = (&block[..BLOCK], &block[1..=BLOCK], &block[2..]);
        for (((trigram, &a), &b), &c) in self.trigrams.iter_mut().zip(first).zip(second).zip(third) {
            let letters = u16::from(a & b & c & 0x40);
            *trigram = letters << 9 | u16::from(a & 0x1f) << 10 | u16::from(b & 0x1f) << 5 | u16::from(c & 0x1f);
        }
        self.count = 0;
        for (number, trigrams) in self.trigrams.as_chunks::<MASK>().0.iter().enumerate() {
            let mut mask = 0_u64;
            // Eight short chains of instructions instead of one long one, in which each waits for the one before.
            for (byte, eight) in trigrams.as_chunks::<8>().0.iter().enumerate() {
                let bit = |at: usize| u32::from(passes[usize::from(eight[at])]) << at;
                let bits = bit(0) | bit(1) | bit(2) | bit(3) | bit(4) | bit(5) | bit(6) | bit(7);
                mask |= u64::from(bits) << (8 * byte);
            }
            let passed = mask.count_ones() as usize;
            // Some more than there are, so that the loop takes as many rounds most of the time: a branch for each would be mispredicted.
            let room = &mut self.places[self.count..];
            for place in room.iter_mut().take(passed.next_multiple_of(TOGETHER)) {
                *place = (number * MASK) as u16 + mask.trailing_zeros() as u16;
                mask &= mask.wrapping_sub(1);
            }
            self.count += passed;
        }
    }
}

/// Of each byte whether it is a digit of base64, in either alphabet; the first byte is the lowest bit, what lies beyond the text is none.
pub(super) fn base64_digits(text: &[u8], masks: &mut [u64]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the function asks for nothing but AVX2, and the processor has just said that it has it.
        unsafe { x86::base64_digits(text, masks) };
        return;
    }
    base64_digits_plainly(text, masks);
}

fn base64_digits_plainly(text: &[u8], masks: &mut [u64]) {
    for (mask, bytes) in masks.iter_mut().zip(text.chunks(MASK)) {
        let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
        *mask = bytes.iter().rev().fold(0, |mask, &byte| mask << 1 | u64::from(is_digit(byte)));
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_set_epi64x, _mm256_set1_epi8,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use super::{Block, MASK, Sieve};

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    pub(super) fn sieve(sieve: &mut Sieve, block: &Block, passes: &[u8; 1 << 16]) {
        sieve.fill_plainly(block, passes);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn base64_digits(text: &[u8], masks: &mut [u64]) {
        for (mask, bytes) in masks.iter_mut().zip(text.chunks(MASK)) {
            let mut padded = [0; MASK];
            let bytes = bytes.first_chunk::<MASK>().unwrap_or_else(|| {
                padded[..bytes.len()].copy_from_slice(bytes);
                &padded
            });
            let (halves, _) = bytes.as_chunks::<32>();
            *mask = u64::from(digits(&halves[0])) | u64::from(digits(&halves[1])) << 32;
        }
    }

    /// A digit is told by its two halves: each row of sixteen characters has a bit, `HIGH` says in which row a byte stands and `LOW` in which
    /// rows its place is taken. `_` stands beyond the last letter and has a bit of its own. A byte from 0x80 on finds nothing in `LOW`.
    #[target_feature(enable = "avx2")]
    fn digits(bytes: &[u8; 32]) -> u32 {
        const SIGNS: i64 = 1;
        const NUMBERS: i64 = 2;
        const FIRST: i64 = 4;
        const LAST: i64 = 8;
        const UNDERSCORE: i64 = 16;
        const fn row(bits: [i64; 8]) -> i64 {
            let mut packed = 0;
            let mut at = 8;
            while at > 0 {
                at -= 1;
                packed = packed << 8 | bits[at];
            }
            packed
        }
        const HIGH: i64 = row([0, 0, SIGNS, NUMBERS, FIRST, LAST | UNDERSCORE, FIRST, LAST]);
        const BOTH: i64 = FIRST | LAST;
        // `0` and `p`; then `1`, `a` and `q`; …
        const LOW: i64 = row([
            NUMBERS | LAST,
            NUMBERS | BOTH,
            NUMBERS | BOTH,
            NUMBERS | BOTH,
            NUMBERS | BOTH,
            NUMBERS | BOTH,
            NUMBERS | BOTH,
            NUMBERS | BOTH,
        ]);
        // … `8`, `h` and `x`; … `z`; `k` and `+`; `l`; `m` and `-`; `n`; `o`, `/` and `_`.
        const MORE: i64 = row([
            NUMBERS | BOTH,
            NUMBERS | BOTH,
            BOTH,
            FIRST | SIGNS,
            FIRST,
            FIRST | SIGNS,
            FIRST,
            FIRST | SIGNS | UNDERSCORE,
        ]);
        let text = load(bytes);
        let low = _mm256_shuffle_epi8(_mm256_set_epi64x(MORE, LOW, MORE, LOW), text);
        let half = _mm256_and_si256(_mm256_srli_epi16::<4>(text), _mm256_set1_epi8(0x0f));
        let high = _mm256_shuffle_epi8(_mm256_set_epi64x(0, HIGH, 0, HIGH), half);
        let none = _mm256_cmpeq_epi8(_mm256_and_si256(low, high), _mm256_setzero_si256());
        !_mm256_movemask_epi8(none).cast_unsigned()
    }

    /// Becomes one instruction.
    #[target_feature(enable = "avx2")]
    fn load(bytes: &[u8; 32]) -> __m256i {
        let (words, _) = bytes.as_chunks::<8>();
        let word = |at: usize| i64::from_le_bytes(words[at]);
        _mm256_set_epi64x(word(3), word(2), word(1), word(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_is_judged_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..130 {
                let mut text = [b' '; 130];
                text[place] = byte;
                let (mut wide, mut plain) = ([!0; 3], [!0; 3]);
                base64_digits(&text, &mut wide);
                base64_digits_plainly(&text, &mut plain);
                assert_eq!(wide, plain, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn digits_are_what_the_plain_twin_says(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let (mut wide, mut plain) = ([0; 5], [0; 5]);
            base64_digits(&text, &mut wide);
            base64_digits_plainly(&text, &mut plain);
            prop_assert_eq!(wide, plain);
        }

        #[test]
        fn places_are_what_the_plain_twin_and_the_table_say(
            block in prop::collection::vec(any::<u8>(), BLOCK + 2),
            chosen in prop::collection::vec(any::<u16>(), 0..20_000),
            all in any::<bool>(),
        ) {
            let block: Block = block.try_into().unwrap();
            let mut passes = [u8::from(all); 1 << 16];
            for trigram in chosen {
                passes[usize::from(trigram)] = 1;
            }
            let (mut wide, mut plain) = (Sieve::default(), Sieve::default());
            wide.fill(&block, &passes);
            plain.fill_plainly(&block, &passes);
            let expected: Vec<(usize, u16)> = block
                .windows(3)
                .map(|t| u16::from(t[0] & t[1] & t[2] & 0x40) << 9
                    | u16::from(t[0] & 0x1f) << 10 | u16::from(t[1] & 0x1f) << 5 | u16::from(t[2] & 0x1f))
                .enumerate()
                .filter(|(_, trigram)| passes[usize::from(*trigram)] == 1)
                .collect();
            prop_assert!(wide.places().eq(expected.iter().copied()));
            prop_assert!(plain.places().eq(expected.iter().copied()));
        }
    }
}
