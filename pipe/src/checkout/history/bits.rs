//! A set of small numbers.
//!
//! Owns nothing but the bits: one per object of a repository, so that sets over millions of objects cost little memory.

/// A set of numbers below a bound that is fixed when it is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// The empty set of numbers below `bound`.
    pub(super) fn new(bound: usize) -> Self {
        Self { words: vec![0; bound.div_ceil(64)] }
    }

    /// The numbers of `members` that are below `bound`.
    pub(super) fn of(bound: usize, members: impl IntoIterator<Item = u32>) -> Self {
        let mut bits = Self::new(bound);
        for member in members {
            bits.insert(member);
        }
        bits
    }

    /// Adds all of `others`.
    pub(super) fn extend(&mut self, others: &Self) {
        if self.words.len() < others.words.len() {
            self.words.resize(others.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&others.words) {
            *word |= other;
        }
    }

    /// Whether `number` is in the set. A number over the bound never is.
    pub(super) fn contains(&self, number: u32) -> bool {
        self.words.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Adds `number`; whether it was new. A number over the bound is not added.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        match self.words.get_mut(number as usize / 64) {
            Some(word) => {
                let bit = 1 << (number % 64);
                let new = *word & bit == 0;
                *word |= bit;
                new
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_inserted() {
        let mut bits = Bits::of(130, [0, 63, 64, 129]);
        assert!([0, 63, 64, 129].into_iter().all(|number| bits.contains(number)));
        assert!(![1, 62, 65, 128, 1000, u32::MAX].into_iter().any(|number| bits.contains(number)));
        let mut few = Bits::of(3, [2]);
        few.extend(&bits);
        assert!([0, 2, 63, 64, 129].into_iter().all(|number| few.contains(number)));
        assert!(bits.insert(1) && !bits.insert(1) && !bits.insert(u32::MAX));
    }
}
