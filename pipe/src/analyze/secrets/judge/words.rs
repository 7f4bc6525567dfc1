//! How much of a text is made of words, and how random its letters are.
//!
//! Owns the dictionary (words that are frequent in code and its comments, at least four letters) and the letter statistics. Knows nothing of
//! names, quotes or files.

use std::sync::OnceLock;

use super::bigrams::LOG_ODDS;

/// Words of up to three letters that glue longer ones together in names and phrases.
#[rustfmt::skip]
const SHORT: &[&str] = &[
    "a", "my", "is", "to", "of", "in", "on", "the", "and", "for", "you", "not", "set", "get", "new", "old", "key",
    "api", "app", "url", "web", "sql", "env", "dev", "tmp", "foo", "bar", "baz", "abc", "xyz", "has", "was", "are",
    "can", "bad", "any", "all", "one", "two", "ssh", "ssl", "tls", "aws", "gcp", "jwt", "uid", "pwd", "max",
    "min", "add", "log", "out", "off", "id", "db", "ui", "no", "ok", "us", "we", "be", "by", "at", "or", "if", "it",
    "as", "an", "up", "do", "go", "so", "me",
];

const LETTERS: usize = 26;

/// All words, found by their first three letters: every text is cut in every way, and few of the
/// cuts begin like any word.
struct Dictionary {
    /// At least four letters each, sorted.
    words: Vec<&'static [u8]>,
    /// By the number of three letters: where the words that begin with them start.
    starts: Vec<usize>,
    /// By the number of up to three letters: whether they are a word of [`SHORT`].
    is_short: Vec<bool>,
}

impl Dictionary {
    fn get() -> &'static Self {
        static DICTIONARY: OnceLock<Dictionary> = OnceLock::new();
        DICTIONARY.get_or_init(|| {
            let words: Vec<&[u8]> = include_str!("words.txt").lines().map(str::as_bytes).collect();
            let mut starts = vec![0; LETTERS.pow(3) + 1];
            for word in &words {
                starts[number(&word[..3]) + 1] += 1;
            }
            for at in 1..starts.len() {
                starts[at] += starts[at - 1];
            }
            let mut is_short = vec![false; (LETTERS + 1).pow(3)];
            for word in SHORT {
                is_short[short_number(word.as_bytes())] = true;
            }
            Self { words, starts, is_short }
        })
    }

    /// Whether lower-case ASCII letters are a word.
    fn contains(&self, letters: &[u8]) -> bool {
        if letters.len() < 4 {
            return self.is_short[short_number(letters)];
        }
        let begin = number(&letters[..3]);
        self.words[self.starts[begin]..self.starts[begin + 1]].contains(&letters)
    }
}

/// Three letters as a number.
fn number(letters: &[u8]) -> usize {
    letters.iter().fold(0, |sum, letter| sum * LETTERS + usize::from(letter - b'a'))
}

/// At most three letters as a number; those of another length have others.
fn short_number(letters: &[u8]) -> usize {
    letters.iter().fold(0, |sum, letter| sum * (LETTERS + 1) + usize::from(letter - b'a' + 1))
}

/// Share of the letters that lie in words, 0 to 1; 0 if there are no letters. Words may be glued together: the best cut counts.
pub(super) fn coverage(text: &[u8]) -> f32 {
    let mut covered = 0;
    let mut letters = 0;
    let mut run = [0_u8; 48];
    let mut length = 0;
    let mut flush = |run: &[u8]| {
        letters += run.len();
        covered += best_cut(run);
    };
    for (at, &byte) in text.iter().enumerate() {
        let hump = byte.is_ascii_uppercase() && at > 0 && text[at - 1].is_ascii_lowercase();
        if !byte.is_ascii_alphabetic() || hump || length == run.len() {
            flush(&run[..length]);
            length = 0;
        }
        if byte.is_ascii_alphabetic() {
            run[length] = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    flush(&run[..length]);
    if letters == 0 { 0.0 } else { covered as f32 / letters as f32 }
}

/// Most letters of `run` that a cut into words covers. Short words count only next to the edge of another word or of the run.
fn best_cut(run: &[u8]) -> usize {
    let dictionary = Dictionary::get();
    let mut best = [0_usize; 49];
    let mut whole = [false; 49];
    whole[0] = true;
    for end in 1..=run.len() {
        best[end] = best[end - 1];
        for start in end.saturating_sub(16)..end {
            let length = end - start;
            if length < 4 && !whole[start] {
                continue;
            }
            if best[start] + length > best[end] && dictionary.contains(&run[start..end]) {
                best[end] = best[start] + length;
                whole[end] = true;
            }
        }
    }
    best[run.len()]
}

/// Mean log-odds (base 2) of the letter pairs in `text` against chance, and the number of pairs. Words and names lie above 0.5, random letters
/// below 0. Case is ignored; anything but a letter ends a pair.
pub(super) fn wordiness(text: &[u8]) -> (f32, usize) {
    let mut sum = 0_i32;
    let mut pairs = 0;
    for pair in text.windows(2) {
        if let [a, b] = pair
            && a.is_ascii_alphabetic()
            && b.is_ascii_alphabetic()
        {
            let index = |byte: u8| usize::from(byte.to_ascii_lowercase() - b'a');
            sum += i32::from(LOG_ODDS[index(*a)][index(*b)]);
            pairs += 1;
        }
    }
    if pairs == 0 { (0.0, 0) } else { (sum as f32 / (8 * pairs) as f32, pairs) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_dictionary_is_sorted() {
        let dictionary = Dictionary::get();
        assert!(dictionary.words.is_sorted());
        assert!(dictionary.words.iter().all(|word| word.len() >= 4 && word.iter().all(u8::is_ascii_lowercase)));
    }

    #[test]
    fn words_are_found_and_nothing_else_is() {
        let dictionary = Dictionary::get();
        let all: BTreeSet<&[u8]> =
            dictionary.words.iter().copied().chain(SHORT.iter().map(|word| word.as_bytes())).collect();
        for word in &all {
            assert!(dictionary.contains(word));
            for cut in 1..word.len() {
                for part in [&word[..cut], &word[cut..]] {
                    assert_eq!(dictionary.contains(part), all.contains(part), "{}", part.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn words_are_told_from_noise() {
        for text in
            ["password", "access_token", "userPassword", "changemeplease", "my-super-secret", "EnterYourPassword"]
        {
            assert!(coverage(text.as_bytes()) > 0.75, "{text} {}", coverage(text.as_bytes()));
        }
        for text in ["kdmqpzowx", "x7Gh2Lq9ZkW", "aGVsbG8gd29y", "3f786850e387550f"] {
            assert!(coverage(text.as_bytes()) < 0.5, "{text} {}", coverage(text.as_bytes()));
        }
        assert!(wordiness(b"administrator").0 > 0.5);
        assert!(wordiness(b"kdmqpzowx").0 < 0.0);
    }
}
