//! Examples without secrets: `{{class:length}}` becomes random characters, the same ones for the same seed.

/// A small generator of pseudo-random numbers (SplitMix64): tests need repeatable noise, not secrecy.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn alphabet(class: &str) -> Option<String> {
    let lower = "abcdefghijklmnopqrstuvwxyz";
    let upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let digit = "0123456789";
    Some(match class {
        "lower" => lower.to_owned(),
        "upper" => upper.to_owned(),
        "alpha" => format!("{lower}{upper}"),
        "digit" => digit.to_owned(),
        "hex" => format!("{digit}abcdef"),
        "HEX" => format!("{digit}ABCDEF"),
        "lowernum" => format!("{lower}{digit}"),
        "uppernum" => format!("{upper}{digit}"),
        "alnum" => format!("{lower}{upper}{digit}"),
        "word" => format!("{lower}{upper}{digit}_"),
        "b64" => format!("{lower}{upper}{digit}+/"),
        "b64url" => format!("{lower}{upper}{digit}_-"),
        "b32" => format!("{upper}234567"),
        "symbol" => format!("{lower}{upper}{digit}!#$%&*+-.:=?@^_~"),
        _ => return None,
    })
}

/// Replaces every placeholder. Panics, naming it, at one it does not know.
pub(crate) fn expand(template: &str, seed: u64) -> String {
    let mut noise = Noise(seed);
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, tail)) = after.split_once("}}") else { break };
        let known = inside == "uuid" || inside.split_once(':').is_some_and(|(class, _)| alphabet(class).is_some());
        out.push_str(before);
        if !known {
            // Braces of the example's own language.
            out.push_str("{{");
            rest = after;
            continue;
        }
        if inside == "uuid" {
            for (at, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
                if at > 0 {
                    out.push('-');
                }
                push(&mut out, "0123456789abcdef", length, &mut noise);
            }
        } else if let Some((class, length)) = inside.split_once(':') {
            let (low, high) = length.split_once('-').unwrap_or((length, length));
            let low: usize = low.parse().expect("a length in an example");
            let high: usize = high.parse().expect("a length in an example");
            let length = low + noise.below(high - low + 1);
            push(&mut out, &alphabet(class).expect("a class"), length, &mut noise);
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn push(out: &mut String, alphabet: &str, length: usize, noise: &mut Noise) {
    let letters: Vec<char> = alphabet.chars().collect();
    out.extend((0..length).map(|_| letters[noise.below(letters.len())]));
}
