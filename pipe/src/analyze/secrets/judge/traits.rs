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
        let mut traits = Self { length: value.len(), hex: !value.is_empty(), ..Self::default() };
        for &byte in value {
            counts[usize::from(byte)] = counts[usize::from(byte)].saturating_add(1);
            match byte {
                b'a'..=b'z' => traits.lower += 1,
                b'A'..=b'Z' => traits.upper += 1,
                b'0'..=b'9' => traits.digits += 1,
                b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b' ' => traits.joiners += 1,
                _ => traits.symbols += 1,
            }
            traits.hex &= byte.is_ascii_hexdigit();
        }
        traits.distinct = counts.iter().filter(|&&count| count > 0).count();
        traits.entropy = entropy_of(&counts, value.len());
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

fn entropy_of(counts: &[u16; 256], length: usize) -> f32 {
    let length = length as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f32::from(count) / length;
            -share * share.log2()
        })
        .sum()
}

/// Shannon entropy in bits a byte.
pub(in crate::analyze::secrets) fn entropy(value: &[u8]) -> f32 {
    Traits::of(value).entropy
}
