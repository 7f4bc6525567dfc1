//! Which three bytes of each keyword the search waits for.
//!
//! A keyword occurs only where each of its trigrams does, so one of them is enough to wait for. Chosen are those that are rare in text
//! (`trigrams.txt`) and that many keywords share: the fewer places pass, the faster the search.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What the search needs.
pub(crate) struct Filter {
    /// For each trigram one more than where its list begins in `entries`, or 0 if no keyword waits for it.
    pub(crate) lists: Vec<u16>,
    /// Keywords, list by list.
    pub(crate) entries: Vec<Entry>,
}

/// A keyword that waits for a trigram.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// What must stand in the eight bytes from [`BEFORE`] bytes before the trigram on, and which bits count, as little-endian numbers.
    pub(crate) bytes: u64,
    pub(crate) mask: u64,
    pub(crate) keyword: u16,
    /// Where in the keyword the trigram stands.
    pub(crate) offset: u8,
    pub(crate) length: u8,
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

/// Chooses a trigram for each keyword. `frequencies` is the text of `trigrams.txt`.
pub(crate) fn build(keywords: &[&str], frequencies: &str) -> Result<Filter, String> {
    let frequency = read(frequencies)?;
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
    let (mut lists, mut entries) = (vec![0; TRIGRAMS], Vec::new());
    for (number, list) in chosen {
        lists[number] = u16::try_from(entries.len() + 1).map_err(|_| "too many keywords")?;
        entries.extend(list);
        entries.last_mut().into_iter().for_each(|entry: &mut Entry| entry.last = true);
    }
    Ok(Filter { lists, entries })
}

fn entry(id: usize, keyword: &str, offset: usize) -> Entry {
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
