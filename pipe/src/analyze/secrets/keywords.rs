//! The one pass over all bytes: where does which keyword end?
//!
//! Owns the automaton that `build.rs` made. Long inputs are searched in four interleaved lanes, because a table-driven automaton waits
//! for one load a byte and a processor can wait for four at once. Decides nothing about what a keyword means.

mod table {
    use super::Action;
    include!(concat!(env!("OUT_DIR"), "/automaton.rs"));
    pub(super) static TRANSITIONS: &[[u8; 2]] =
        include_bytes!(concat!(env!("OUT_DIR"), "/automaton.bin")).as_chunks().0;
}

use table::{CLASSES, FIRST_MATCH, LONGEST, OUTPUT_IDS, OUTPUT_STARTS, STRIDE_LOG2, TRANSITIONS};

/// What a keyword leads to. Numbers are indices of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The start of a token.
    Token(u16),
    /// The middle of a window.
    Window(u16),
    /// A vendor's name, perhaps within the name of an assignment.
    Vendor(u16),
    /// A part of a name whose assigned value is looked at.
    Name,
    /// `://`
    Url,
    /// The scheme of an `Authorization` header.
    Scheme,
    /// A phrase that a secret follows.
    Phrase,
    /// A function that takes a secret.
    Call,
    /// A sign of escaped text.
    Escape,
}

/// One occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// One past the last byte.
    pub(super) end: usize,
    /// Number of the keyword.
    pub(super) keyword: u16,
}

/// A literal that is looked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keyword {
    /// In lower case.
    pub(super) text: &'static str,
}

impl Hit {
    pub(super) fn keyword(self) -> Keyword {
        let at = usize::from(self.keyword);
        Keyword {
            text: &table::KEYWORD_TEXT[table::KEYWORD_STARTS[at] as usize..table::KEYWORD_STARTS[at + 1] as usize],
        }
    }

    /// What the keyword leads to.
    pub(super) fn actions(self) -> &'static [Action] {
        let at = usize::from(self.keyword);
        &table::ACTIONS[table::ACTION_STARTS[at] as usize..table::ACTION_STARTS[at + 1] as usize]
    }

    /// The first byte.
    pub(super) fn start(self) -> usize {
        let at = usize::from(self.keyword);
        self.end - (table::KEYWORD_STARTS[at + 1] - table::KEYWORD_STARTS[at]) as usize
    }
}

/// Reused space for [`find`].
#[derive(Default)]
pub(super) struct Lanes([Vec<Hit>; 4]);

/// Shorter inputs are not worth four lanes.
const LANES_FROM: usize = 2048;

#[inline(always)]
fn step(state: u16, byte: u8) -> u16 {
    let at = (usize::from(state) << STRIDE_LOG2) | usize::from(CLASSES[usize::from(byte)]);
    u16::from_le_bytes(TRANSITIONS[at])
}

#[inline]
fn report(state: u16, end: usize, hits: &mut Vec<Hit>) {
    let at = usize::from(state - FIRST_MATCH);
    let ids = &OUTPUT_IDS[OUTPUT_STARTS[at] as usize..OUTPUT_STARTS[at + 1] as usize];
    hits.extend(ids.iter().map(|&keyword| Hit { end, keyword }));
}

/// All occurrences of all keywords, overlapping ones too, by their end.
pub(super) fn find(text: &[u8], lanes: &mut Lanes, hits: &mut Vec<Hit>) {
    hits.clear();
    if text.len() < LANES_FROM {
        let mut state = 0;
        for (at, &byte) in text.iter().enumerate() {
            state = step(state, byte);
            if state >= FIRST_MATCH {
                report(state, at + 1, hits);
            }
        }
        return;
    }
    let quarter = text.len() / 4;
    let starts = [0, quarter, quarter * 2, quarter * 3];
    let parts: [&[u8]; 4] = [
        &text[..quarter],
        &text[quarter..quarter * 2],
        &text[quarter * 2..quarter * 3],
        &text[quarter * 3..quarter * 4],
    ];
    // A match that ends in a lane starts at most `LONGEST - 1` bytes before it: walking those makes the lane's state the true one.
    let mut states = starts
        .map(|start| text[start.saturating_sub(LONGEST - 1)..start].iter().fold(0, |state, &byte| step(state, byte)));
    for lane in &mut lanes.0 {
        lane.clear();
    }
    let [a, b, c, d] = parts;
    for (at, (((&a, &b), &c), &d)) in a.iter().zip(b).zip(c).zip(d).enumerate() {
        states = [step(states[0], a), step(states[1], b), step(states[2], c), step(states[3], d)];
        // One test for all four: matches are rare.
        if states[0].max(states[1]).max(states[2].max(states[3])) >= FIRST_MATCH {
            for lane in 0..4 {
                if states[lane] >= FIRST_MATCH {
                    report(states[lane], starts[lane] + at + 1, &mut lanes.0[lane]);
                }
            }
        }
    }
    for lane in &lanes.0 {
        hits.extend_from_slice(lane);
    }
    let mut state = states[3];
    for (at, &byte) in text.iter().enumerate().skip(quarter * 4) {
        state = step(state, byte);
        if state >= FIRST_MATCH {
            report(state, at + 1, hits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words() -> Vec<&'static str> {
        (0..table::KEYWORD_STARTS.len() - 1).map(|id| Hit { end: 0, keyword: id as u16 }.keyword().text).collect()
    }

    proptest! {
        #[test]
        fn lanes_find_what_a_naive_search_finds(
            noise in proptest::collection::vec(proptest::sample::select(b"aekyptoASSn_ \n".to_vec()), 0..6000),
            planted in proptest::collection::vec((0usize..6000, 0..words().len()), 0..20),
        ) {
            let mut text = noise;
            for (at, keyword) in planted {
                let word = words()[keyword].to_ascii_uppercase();
                let at = at.min(text.len());
                text.splice(at..at, word.bytes());
            }
            let mut hits = Vec::new();
            find(&text, &mut Lanes::default(), &mut hits);
            let mut found: Vec<_> = hits.iter().map(|hit| (hit.end, hit.keyword)).collect();
            prop_assert!(found.is_sorted_by_key(|hit| hit.0));
            found.sort_unstable();
            let lower = text.to_ascii_lowercase();
            let mut expected: Vec<_> = words()
                .iter()
                .enumerate()
                .flat_map(|(id, keyword)| {
                    memchr::memmem::find_iter(&lower, keyword)
                        .map(move |start| (start + keyword.len(), id as u16))
                        .collect::<Vec<_>>()
                })
                .collect();
            // `find_iter` leaves out occurrences that overlap themselves; the automaton reports them.
            expected.extend(found.iter().filter(|(end, id)| {
                let word = words()[usize::from(*id)].as_bytes();
                lower[..*end].ends_with(word)
            }));
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(found, expected);
        }
    }
}
