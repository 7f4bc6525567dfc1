//! The one pass over all bytes: where does which keyword end?
//!
//! Owns the search. A keyword waits for one of its trigrams, a rare one that `build.rs` chose. For each place in the text a table says whether any
//! keyword waits for the trigram there: that is the same few instructions for every byte, without a branch and without waiting for the byte
//! before (`simd`). Only the places that pass, some three or four in a hundred, are compared with keywords, eight bytes at once. Decides
//! nothing about what a keyword means, but leaves out the marks of tokens that stand within a word: they are more than half of all.

mod table {
    use super::{Action, Entry, Node};
    include!(concat!(env!("OUT_DIR"), "/keywords.rs"));
    /// By trigram: 1 if a keyword waits for it. Apart from `NODES_OF`, so that the table which every byte needs stays near the processor.
    pub(super) static PASSES: &[u8; 1 << 16] = include_bytes!(concat!(env!("OUT_DIR"), "/passes.bin"));
    /// By trigram: which of `NODES`, or 0.
    pub(super) static NODES_OF: &[[u8; 2]] = include_bytes!(concat!(env!("OUT_DIR"), "/nodes.bin")).as_chunks().0;
    /// By node and what it asks for: where the list begins in `ENTRIES`.
    pub(super) static LISTS: &[[u8; 2]] = include_bytes!(concat!(env!("OUT_DIR"), "/lists.bin")).as_chunks().0;
}

use super::boundary::starts_free;
use super::simd::{BLOCK, Sieve};
use table::{BEFORE, ENTRIES, LISTS, NODES, NODES_OF, PASSES};

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

/// Which list of keywords to look into once a trigram was found.
struct Node {
    /// Where its part of `LISTS` begins.
    first: u16,
    /// Where in the eight bytes around the trigram the bits stand that say which list, and which bits.
    shift: u8,
    mask: u8,
}

/// A keyword in a list.
struct Entry {
    /// What stands in the eight bytes from [`BEFORE`] bytes before the trigram on, as a little-endian number.
    bytes: u64,
    /// Which bits of it count: for letters all but the one that tells the cases apart, none beyond the keyword.
    mask: u64,
    keyword: u16,
    /// Where in the keyword the trigram stands.
    offset: u8,
    length: u8,
    /// It counts only where a token may begin: all that it leads to are tokens.
    free: bool,
    /// The list ends here.
    last: bool,
}

/// A place at which a keyword may stand.
#[derive(Clone, Copy, Default)]
struct Candidate {
    /// The bytes around the trigram.
    around: u64,
    /// Where in the block it begins.
    place: u16,
    /// Where its list begins in `ENTRIES`.
    first: u16,
}

/// The working memory of a search: too much to be cleared for every small file.
pub(super) struct Finder {
    sieve: Sieve,
    candidates: [Candidate; BLOCK],
}

impl Default for Finder {
    fn default() -> Self {
        Self { sieve: Sieve::default(), candidates: [Candidate::default(); BLOCK] }
    }
}

/// All occurrences of all keywords, overlapping ones too, by their end; of several that end together the longest first. Marks of tokens are
/// left out where no token may begin.
pub(super) fn find(text: &[u8], finder: &mut Finder, hits: &mut Vec<Hit>) {
    hits.clear();
    let Finder { sieve, candidates } = finder;
    let mut last = [0; BLOCK + 2];
    for start in (0..text.len()).step_by(BLOCK) {
        let rest = &text[start..];
        let block = rest.first_chunk().unwrap_or_else(|| {
            // Behind the end of the text stands NUL, which no keyword holds.
            last = [0; BLOCK + 2];
            last[..rest.len()].copy_from_slice(rest);
            &last
        });
        sieve.fill(block, PASSES);
        // Written down whether it is one or not, and overwritten by the next if it is none: a branch would be mispredicted.
        let mut count = 0;
        for (place, trigram) in sieve.places() {
            let at = start + place;
            let around = around(text, at);
            let node = &NODES[usize::from(u16::from_le_bytes(NODES_OF[usize::from(trigram)]))];
            let list = usize::from(node.first) + usize::from((around >> node.shift) as u8 & node.mask);
            let first = u16::from_le_bytes(LISTS[list]);
            let entry = &ENTRIES[usize::from(first)];
            candidates[count % BLOCK] = Candidate { around, place: place as u16, first };
            count += usize::from((around & entry.mask == entry.bytes) | !entry.last);
        }
        for candidate in &candidates[..count] {
            compare(text, start, candidate, hits);
        }
    }
}

/// Takes up the keywords of the candidate's list that stand there. `block` is where its block begins.
#[inline]
fn compare(text: &[u8], block: usize, candidate: &Candidate, hits: &mut Vec<Hit>) {
    let &Candidate { around, place, first } = candidate;
    let at = block + usize::from(place);
    for entry in &ENTRIES[usize::from(first)..] {
        if around & entry.mask == entry.bytes
            && let Some(start) = at.checked_sub(usize::from(entry.offset))
            && (!entry.free || starts_free(text, start))
        {
            let hit = Hit { end: start + usize::from(entry.length), keyword: entry.keyword };
            let beyond = usize::from(entry.length - entry.offset) > 8 - BEFORE || usize::from(entry.offset) > BEFORE;
            let whole = || {
                text.get(start..hit.end).is_some_and(|found| found.eq_ignore_ascii_case(hit.keyword().text.as_bytes()))
            };
            if !beyond || whole() {
                insert(hit, hits);
            }
        }
        if entry.last {
            return;
        }
    }
}

/// The eight bytes from [`BEFORE`] bytes before `at` on; NUL beyond the text.
#[inline(always)]
fn around(text: &[u8], at: usize) -> u64 {
    let inside = at.checked_sub(BEFORE).and_then(|start| text.get(start..)?.first_chunk());
    let bytes = inside.copied().unwrap_or_else(|| {
        std::array::from_fn(|offset| {
            (at + offset).checked_sub(BEFORE).and_then(|at| text.get(at)).copied().unwrap_or_default()
        })
    });
    u64::from_le_bytes(bytes)
}

/// Puts a hit in its place. Hits come nearly in order: keywords wait for different parts of themselves.
#[inline]
fn insert(hit: Hit, hits: &mut Vec<Hit>) {
    let later = |other: &Hit| other.end > hit.end || other.end == hit.end && other.start() > hit.start();
    let at = hits.iter().rposition(|other| !later(other)).map_or(0, |at| at + 1);
    hits.insert(at, hit);
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::analyze::secrets::simd::MASK;
    use proptest::prelude::*;

    fn words() -> &'static [&'static str] {
        static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
            (0..table::KEYWORD_STARTS.len() - 1).map(|id| Hit { end: 0, keyword: id as u16 }.keyword().text).collect()
        });
        &WORDS
    }

    fn is_mark(id: u16) -> bool {
        Hit { end: 0, keyword: id }.actions().iter().all(|action| matches!(action, Action::Token(_)))
    }

    /// Every keyword at every place, by end and the longest first.
    fn naive(text: &[u8]) -> Vec<(usize, u16)> {
        let lower = text.to_ascii_lowercase();
        let mut found = Vec::new();
        for (id, word) in words().iter().enumerate() {
            let mut from = 0;
            while let Some(at) = memchr::memmem::find(&lower[from..], word.as_bytes()) {
                let start = from + at;
                from = start + 1;
                if !is_mark(id as u16) || starts_free(text, start) {
                    found.push((start + word.len(), id as u16));
                }
            }
        }
        found.sort_by_key(|&(end, id)| (end, std::cmp::Reverse(words()[usize::from(id)].len())));
        found
    }

    fn found(text: &[u8]) -> Vec<(usize, u16)> {
        let mut hits = vec![Hit { end: 0, keyword: 0 }];
        find(text, &mut Finder::default(), &mut hits);
        hits.iter().map(|hit| (hit.end, hit.keyword)).collect()
    }

    /// What stands between keywords: any bytes, bytes that keywords are made of, heads and tails of keywords.
    fn noise() -> impl Strategy<Value = Vec<u8>> {
        let fragment = (0..words().len(), any::<prop::sample::Index>(), any::<bool>()).prop_map(|(id, cut, head)| {
            let (first, last) = words()[id].as_bytes().split_at(cut.index(words()[id].len()));
            if head { first.to_vec() } else { last.to_vec() }
        });
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            prop::collection::vec(prop::sample::select(b"aekyptoASSn_.s: \n".to_vec()), 0..200),
            prop::collection::vec(fragment, 0..40).prop_map(|parts| parts.concat()),
        ]
    }

    proptest! {
        #[test]
        fn finds_what_a_naive_search_finds(parts in prop::collection::vec((noise(), 0..words().len(), any::<bool>()), 0..16)) {
            let mut text = Vec::new();
            for (noise, id, upper) in parts {
                text.extend(noise);
                let word = words()[id].to_owned();
                text.extend(if upper { word.to_ascii_uppercase() } else { word }.bytes());
            }
            prop_assert_eq!(found(&text), naive(&text));
        }
    }

    #[test]
    fn finds_every_keyword_wherever_places_and_blocks_end() {
        for (id, word) in words().iter().enumerate() {
            for end in [word.len(), MASK - 1, MASK + 1, BLOCK, BLOCK + 1, BLOCK + 2, BLOCK + word.len() - 1] {
                let before = end.saturating_sub(word.len());
                let text = [&vec![b'\t'; before], word.to_ascii_uppercase().as_bytes()].concat();
                assert!(found(&text).contains(&(text.len(), id as u16)), "{word} at {before}");
                let text = [&text[..], &[b'\t'; 9]].concat();
                assert!(found(&text).contains(&(text.len() - 9, id as u16)), "{word} at {before} of more");
            }
        }
    }
}
