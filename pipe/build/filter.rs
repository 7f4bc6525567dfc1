//! Which three bytes of each keyword the search waits for.
//!
//! A keyword occurs only where each of its trigrams does, so one of them is enough to wait for. Chosen are those that are rare in text
//! (`trigrams.txt`) and that many keywords share: the fewer places pass, the faster the search. Where several keywords wait for the same
//! trigram, one more byte beside it says which of them can stand there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What the search needs.
pub(crate) struct Filter {
    /// For each trigram the index of its node, or 0 if no keyword waits for it.
    pub(crate) nodes_of: Vec<u16>,
    pub(crate) nodes: Vec<Node>,
    /// For each node, and for each value of the byte that it asks for: where the list begins in `entries`.
    pub(crate) lists: Vec<u16>,
    /// Keywords, list by list. The first never fits.
    pub(crate) entries: Vec<Entry>,
}

/// What is asked once a trigram was found.
pub(crate) struct Node {
    /// Where its part of `lists` begins.
    pub(crate) first: u16,
    /// Which byte around the trigram says which list, as bits of the number; and which bits of it.
    pub(crate) shift: u8,
    pub(crate) mask: u8,
}

/// A keyword that waits for a trigram.
#[derive(Clone, Copy, Default)]
pub(crate) struct Entry {
    /// What must stand in the eight bytes from [`BEFORE`] bytes before the trigram on, and which bits count, as little-endian numbers.
    pub(crate) bytes: u64,
    pub(crate) mask: u64,
    pub(crate) keyword: u16,
    /// Where in the keyword the trigram stands.
    pub(crate) offset: u8,
    pub(crate) length: u8,
    /// It counts only where a token may begin.
    pub(crate) free: bool,
    /// The list ends here.
    pub(crate) last: bool,
}

/// Bytes before a trigram that take part in its entries' test.
pub(crate) const BEFORE: usize = 3;

const TRIGRAMS: usize = 1 << 16;

/// How often in a million bytes a trigram occurs that `trigrams.txt` does not list.
const UNLISTED: u64 = 8;

/// What a look at one entry costs, in hundredths of what a place that passes costs anyway.
const ENTRY_COST: u64 = 15;

/// The number of a trigram, equal for both cases of letters. Five bits of each byte, and whether all three look like letters.
pub(crate) fn number(a: u8, b: u8, c: u8) -> usize {
    let low = |byte: u8| usize::from(byte & 0x1f);
    usize::from(a & b & c & 0x40) << 9 | low(a) << 10 | low(b) << 5 | low(c)
}

/// Chooses a trigram for each keyword. `free` says which of them count only where a token may begin; `frequencies` is the text of
/// `trigrams.txt`.
pub(crate) fn build(keywords: &[&str], free: &[bool], frequencies: &str) -> Result<Filter, String> {
    let frequency = read(frequencies)?;
    let entry = |id: usize, keyword: &str, offset: usize| entry(id, keyword, offset, free[id]);
    let mut chosen: BTreeMap<usize, Vec<Entry>> = BTreeMap::new();
    let mut holders: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (id, keyword) in keywords.iter().enumerate() {
        match *keyword.as_bytes() {
            [] | [_] => return Err(format!("the keyword `{keyword}` is too short")),
            ref bytes if bytes.len() > 255 || bytes.contains(&0) => {
                return Err(format!("the keyword `{keyword}` is too long or holds NUL"));
            }
            // Whatever follows, also the end of the text.
            [a, b] => {
                for number in (0..=255).map(|c| number(a, b, c)).collect::<BTreeSet<_>>() {
                    chosen.entry(number).or_default().push(entry(id, keyword, 0));
                }
            }
            ref bytes => {
                for trigram in bytes.windows(3) {
                    holders.entry(number(trigram[0], trigram[1], trigram[2])).or_default().insert(id);
                }
            }
        }
    }
    // The cheapest trigram for one more keyword comes first. What it costs grows as others take keywords over, so it is looked up again.
    let cost = |number: usize, count: usize, known: bool| {
        frequency[number] * (if known { 0 } else { 100 } + ENTRY_COST * count as u64) * 1000 / count as u64
    };
    let mut queue: BinaryHeap<Reverse<(u64, usize)>> = holders
        .iter()
        .map(|(number, ids)| Reverse((cost(*number, ids.len(), chosen.contains_key(number)), *number)))
        .collect();
    let mut covered = vec![false; keywords.len()];
    while let Some(Reverse((expected, number))) = queue.pop() {
        let ids: Vec<usize> = holders[&number].iter().copied().filter(|id| !covered[*id]).collect();
        if ids.is_empty() {
            continue;
        }
        let actual = cost(number, ids.len(), chosen.contains_key(&number));
        if actual > expected {
            queue.push(Reverse((actual, number)));
            continue;
        }
        for id in ids {
            covered[id] = true;
            let offset = keywords[id].as_bytes().windows(3).position(|t| self::number(t[0], t[1], t[2]) == number);
            chosen.entry(number).or_default().push(entry(id, keywords[id], offset.unwrap_or(0)));
        }
    }
    let never = Entry { bytes: 1, last: true, ..Entry::default() };
    let none = Node { first: 0, shift: 0, mask: 0 };
    let mut filter = Filter { nodes_of: vec![0; TRIGRAMS], nodes: vec![none], lists: vec![0], entries: vec![never] };
    for (number, list) in chosen {
        filter.nodes_of[number] = index(filter.nodes.len())?;
        filter.add(&list)?;
    }
    Ok(filter)
}

fn index(at: usize) -> Result<u16, String> {
    u16::try_from(at).map_err(|_| "too many keywords".to_owned())
}

impl Filter {
    /// Adds the node of a trigram for which `waiting` wait.
    fn add(&mut self, waiting: &[Entry]) -> Result<(), String> {
        let first = index(self.lists.len())?;
        if waiting.len() == 1 {
            self.nodes.push(Node { first, shift: 0, mask: 0 });
            let list = self.list(waiting)?;
            self.lists.push(list);
            return Ok(());
        }
        let possible = |at: usize, value: u8| -> Vec<Entry> {
            waiting.iter().copied().filter(|entry| entry.byte(at).is_none_or(|byte| byte & BYTE == value)).collect()
        };
        // The byte that leaves the shortest lists, the trigram's own aside.
        let asked = (0..8)
            .filter(|at| !(BEFORE..BEFORE + 3).contains(at))
            .min_by_key(|&at| (0..=BYTE).map(|value| possible(at, value).len().pow(2)).sum::<usize>())
            .unwrap_or(0);
        self.nodes.push(Node { first, shift: (asked * 8) as u8, mask: BYTE });
        let mut known: BTreeMap<Vec<u16>, u16> = BTreeMap::new();
        for value in 0..=BYTE {
            let entries = possible(asked, value);
            let ids: Vec<u16> = entries.iter().map(|entry| entry.keyword).collect();
            let list = match known.get(&ids) {
                Some(list) => *list,
                None => self.list(&entries)?,
            };
            known.insert(ids, list);
            self.lists.push(list);
        }
        Ok(())
    }

    fn list(&mut self, entries: &[Entry]) -> Result<u16, String> {
        if entries.is_empty() {
            return Ok(0);
        }
        let first = index(self.entries.len())?;
        self.entries.extend(entries);
        self.entries.last_mut().into_iter().for_each(|entry| entry.last = true);
        Ok(first)
    }
}

/// The bits of a byte that tell letters apart, whatever their case.
const BYTE: u8 = 0x1f;

impl Entry {
    /// What must stand at this one of the eight bytes, if it matters.
    fn byte(&self, at: usize) -> Option<u8> {
        (self.mask.to_le_bytes()[at] != 0).then(|| self.bytes.to_le_bytes()[at])
    }
}

fn entry(id: usize, keyword: &str, offset: usize, free: bool) -> Entry {
    let (mut bytes, mut mask) = ([0; 8], [0; 8]);
    for at in 0..8 {
        let byte = (offset + at).checked_sub(BEFORE).and_then(|at| keyword.as_bytes().get(at));
        if let Some(byte) = byte {
            mask[at] = if byte.is_ascii_alphabetic() { !0x20 } else { !0 };
            bytes[at] = byte & mask[at];
        }
    }
    Entry {
        bytes: u64::from_le_bytes(bytes),
        mask: u64::from_le_bytes(mask),
        keyword: id as u16,
        offset: offset as u8,
        length: keyword.len() as u8,
        free,
        last: false,
    }
}

/// Lines of a number and the trigrams that are so frequent, one after another without anything between them.
fn read(frequencies: &str) -> Result<Vec<u64>, String> {
    let mut frequency = vec![UNLISTED; TRIGRAMS];
    for line in frequencies.lines().filter(|line| !line.starts_with('#')) {
        let parsed =
            line.split_once(' ').and_then(|(count, trigrams)| Some((count.parse().ok()?, trigrams.as_bytes())));
        let Some((count, trigrams)) = parsed else { return Err(format!("trigrams.txt: not understood: {line}")) };
        for trigram in trigrams.as_chunks::<3>().0 {
            frequency[number(trigram[0], trigram[1], trigram[2])] = count;
        }
    }
    Ok(frequency)
}
