//! What a value is made of: lengths, classes of characters, entropy.
//!
//! Owns measuring. Decides nothing.

/// Counts over the bytes of a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traits {
    pub(super) length: usize,
    pub(super) lower: usize,
    pub(super) upper: usize,
    pub(super) digits: usize,
    /// `_ - . / : =` and blanks: what joins words and paths.
    pub(super) joiners: usize,
    /// Any other byte.
    pub(super) symbols: usize,
    /// Different bytes.
    pub(super) distinct: usize,
    /// Shannon entropy in bits a byte.
    pub(super) entropy: f32,
    pub(super) hex: bool,
}

impl Traits {
    pub(super) fn of(value: &[u8]) -> Self {
        let mut counts = [0_u16; 256];
        // Which bytes occur, by number: most of the 256 do not.
        let mut seen = [0_u64; 4];
        let mut traits = Self { length: value.len(), hex: !value.is_empty(), ..Self::default() };
        for &byte in value {
            counts[usize::from(byte)] = counts[usize::from(byte)].saturating_add(1);
            seen[usize::from(byte >> 6)] |= 1 << (byte & 63);
            match byte {
                b'a'..=b'z' => traits.lower += 1,
                b'A'..=b'Z' => traits.upper += 1,
                b'0'..=b'9' => traits.digits += 1,
                b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b' ' => traits.joiners += 1,
                _ => traits.symbols += 1,
            }
            traits.hex &= byte.is_ascii_hexdigit();
        }
        traits.distinct = seen.iter().map(|part| part.count_ones() as usize).sum();
        traits.entropy = entropy_of(&counts, seen, value.len());
        traits
    }

    pub(super) fn letters(&self) -> usize {
        self.lower + self.upper
    }

    /// How many of lower, upper, digits and symbols occur.
    pub(super) fn classes(&self) -> usize {
        [self.lower, self.upper, self.digits, self.symbols].iter().filter(|&&count| count > 0).count()
    }
}

fn entropy_of(counts: &[u16; 256], seen: [u64; 4], length: usize) -> f32 {
    let length = length as f32;
    let mut sum = 0.0;
    for (mut part, first) in seen.into_iter().zip([0, 64, 128, 192]) {
        while part != 0 {
            let share = f32::from(counts[first + part.trailing_zeros() as usize]) / length;
            sum -= share * share.log2();
            part &= part - 1;
        }
    }
    sum
}

/// Shannon entropy in bits a byte.
pub(in crate::analyze::secrets) fn entropy(value: &[u8]) -> f32 {
    Traits::of(value).entropy
}
