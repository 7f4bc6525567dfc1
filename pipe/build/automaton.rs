//! An Aho-Corasick automaton over the keywords as a dense table of `u16`, without case for ASCII letters.
//!
//! States that end a keyword are numbered last, so that the search tests one comparison a byte.

use std::collections::VecDeque;

pub(crate) struct Automaton {
    /// `states << stride_log2` transitions, little-endian `u16`.
    pub(crate) table: Vec<u8>,
    /// Byte → column of the table.
    pub(crate) classes: Vec<u8>,
    pub(crate) stride_log2: u32,
    /// States from here on end at least one keyword.
    pub(crate) first_match: u16,
    /// Keywords (longest first) of the state `first_match + index`.
    pub(crate) outputs: Vec<Vec<u16>>,
    /// Length of the longest keyword in bytes.
    pub(crate) longest: usize,
}

struct State {
    next: Vec<Option<usize>>,
    fail: usize,
    output: Vec<u16>,
}

pub(crate) fn build(keywords: &[&str]) -> Result<Automaton, String> {
    let mut classes = vec![0_u8; 256];
    let mut count = 1_usize;
    for byte in keywords.iter().flat_map(|k| k.bytes()) {
        if classes[byte as usize] == 0 {
            classes[byte as usize] = count as u8;
            classes[byte.to_ascii_uppercase() as usize] = count as u8;
            count += 1;
        }
    }
    let stride_log2 = count.next_power_of_two().trailing_zeros();
    let new_state = || State { next: vec![None; count], fail: 0, output: Vec::new() };

    let mut states = vec![new_state()];
    for (id, keyword) in keywords.iter().enumerate() {
        let mut at = 0;
        for byte in keyword.bytes() {
            let class = classes[byte as usize] as usize;
            at = match states[at].next[class] {
                Some(next) => next,
                None => {
                    states.push(new_state());
                    let next = states.len() - 1;
                    states[at].next[class] = Some(next);
                    next
                }
            };
        }
        states[at].output.push(id as u16);
    }

    // Breadth first: a state's failure state is nearer to the root and therefore already complete.
    let mut queue = VecDeque::from([0]);
    let mut order = Vec::with_capacity(states.len());
    while let Some(at) = queue.pop_front() {
        order.push(at);
        for class in 0..count {
            let fallback = if at == 0 { 0 } else { states[states[at].fail].next[class].unwrap_or(0) };
            match states[at].next[class] {
                Some(next) => {
                    states[next].fail = fallback;
                    let inherited = states[fallback].output.clone();
                    states[next].output.extend(inherited);
                    queue.push_back(next);
                }
                None => states[at].next[class] = Some(fallback),
            }
        }
    }
    if states.len() > usize::from(u16::MAX) {
        return Err(format!("{} states do not fit the table", states.len()));
    }

    // In order of depth: text keeps the automaton near its root, and near states share pages and cache lines.
    let (silent, ending): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&at| states[at].output.is_empty());
    let mut number = vec![0_u16; states.len()];
    for (new, &old) in silent.iter().chain(&ending).enumerate() {
        number[old] = new as u16;
    }
    let mut table = vec![0_u8; (states.len() << stride_log2) * 2];
    for (old, state) in states.iter().enumerate() {
        for class in 0..count {
            let at = ((number[old] as usize) << stride_log2) + class;
            let next = number[state.next[class].unwrap_or(0)];
            table[at * 2..at * 2 + 2].copy_from_slice(&next.to_le_bytes());
        }
    }
    Ok(Automaton {
        table,
        classes,
        stride_log2,
        first_match: silent.len() as u16,
        outputs: ending.iter().map(|&at| states[at].output.clone()).collect(),
        longest: keywords.iter().map(|k| k.len()).max().unwrap_or(0),
    })
}
