//! Text that cannot act on whoever looks at it.
//!
//! Owns which characters are harmless in every format. The model is escaped where it is made; this is the second lock, because a report may
//! come from elsewhere and a terminal obeys what it is shown.

use penstock_common::redact::escape_control;

/// Whether a terminal, or somebody's eye, may be led astray by it: controls, and what turns, hides or joins text.
pub(super) fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends the harmless form of `c`: itself, or an escape. A tab becomes a space, as everywhere outside of code.
pub(super) fn push(out: &mut String, c: char) {
    match c {
        '\t' => out.push(' '),
        c if c.is_control() => out.push_str(&escape_control(c.encode_utf8(&mut [0; 4]))),
        c if is_hazard(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        c => out.push(c),
    }
}

/// `text` as one harmless line.
pub(super) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut out, c));
    out
}

/// Columns that a character takes on a terminal, near enough to put a mark under it.
pub(super) fn width(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x64b..=0x65f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff => 0,
        0x20d0..=0x20ff | 0x3099..=0x309a | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef => 0,
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 => 2,
        0x1f300..=0x1f64f | 0x1f680..=0x1f6ff | 0x1f900..=0x1f9ff | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// `1.2 MB`: bytes for people, in the units that `--max-file-size` takes.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") };
    }
    let mut unit = 0;
    let mut scale = 1000;
    while count / scale >= 1000 && unit + 1 < UNITS.len() {
        scale *= 1000;
        unit += 1;
    }
    format!("{}.{} {}", count / scale, count % scale / (scale / 10), UNITS[unit])
}

/// `1 file`, `2 files`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_for_people() {
        let shown: Vec<String> = [0, 1, 999, 1000, 1_299_999, u64::MAX].into_iter().map(bytes).collect();
        assert_eq!(shown, ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.2 MB", "18446.7 PB"]);
    }

    #[test]
    fn nothing_acts() {
        assert_eq!(line("a\tb\u{1b}[2J\u{9b}\u{202e}\r\n"), "a b\\x1b[2J\\xc2\\x9b\\u{202e}\\x0d\\x0a");
        assert_eq!(line(&line("\u{1b}")), line("\u{1b}"));
    }
}
