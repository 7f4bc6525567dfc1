//! Text and numbers for people, as every format shows them.
//!
//! Owns widths and units. Which characters are harmless is known to `penstock_common::plain`.

pub(super) use penstock_common::plain::{count, is_hazard, line, push};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_for_people() {
        let shown: Vec<String> = [0, 1, 999, 1000, 1_299_999, u64::MAX].into_iter().map(bytes).collect();
        assert_eq!(shown, ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "1.2 MB", "18446.7 PB"]);
    }
}
