//! Detects what bytes are: text, text in UTF-16 or UTF-32, or binary.
//!
//! Owns detection and decoding. Latin-1 and other one-byte supersets of ASCII need no decoding: the
//! analyzers work on bytes.

use std::borrow::Cow;

use super::archive;

/// Content as analyzers take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Text in an encoding that extends ASCII.
    Text(Cow<'a, [u8]>),
    /// Anything else.
    Binary(&'a [u8]),
}

/// How much is looked at to decide; git looks as far.
pub const PROBE: usize = 8000;

/// What kind of content a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, in whichever encoding.
    Text,
    /// An archive, which may contain text.
    Archive,
    /// Neither: an image, audio, video, a font, a program.
    Other,
}

/// Detects what `bytes` are. A byte order mark decides, then NUL bytes: one in every two bytes is
/// UTF-16, three in every four UTF-32, any other pattern binary.
pub fn recognise(bytes: &[u8]) -> Content<'_> {
    match bytes {
        [0xff, 0xfe, 0, 0, rest @ ..] if is_utf32(rest, u32::from_le_bytes) => {
            return Content::Text(Cow::Owned(utf32(rest, u32::from_le_bytes)));
        }
        [0, 0, 0xfe, 0xff, rest @ ..] if is_utf32(rest, u32::from_be_bytes) => {
            return Content::Text(Cow::Owned(utf32(rest, u32::from_be_bytes)));
        }
        [0xff, 0xfe, rest @ ..] => return Content::Text(Cow::Owned(utf16(rest, u16::from_le_bytes))),
        [0xfe, 0xff, rest @ ..] => return Content::Text(Cow::Owned(utf16(rest, u16::from_be_bytes))),
        _ => {}
    }
    let probe = &bytes[..bytes.len().min(PROBE)];
    if memchr::memchr(0, probe).is_none() {
        return Content::Text(Cow::Borrowed(bytes));
    }
    for unit in [u32::from_le_bytes, u32::from_be_bytes] {
        if probe.len() >= 32 && is_utf32(bytes, unit) {
            return Content::Text(Cow::Owned(utf32(bytes, unit)));
        }
    }
    for unit in [u16::from_le_bytes, u16::from_be_bytes] {
        if is_utf16(probe, unit) {
            return Content::Text(Cow::Owned(utf16(bytes, unit)));
        }
    }
    Content::Binary(bytes)
}

/// The name of the encoding, if `bytes` are text in one that is not read.
pub fn unread_encoding(bytes: &[u8]) -> Option<&'static str> {
    let probe = &bytes[..bytes.len().min(PROBE)];
    // ASCII blanks, line ends and unassigned bytes do not occur in EBCDIC, so the first bytes
    // decide for nearly every file.
    if probe.len() < 32 || memchr::memchr3(b' ', b'\n', 0, probe).is_some() {
        return None;
    }
    let count = |is: fn(u8) -> bool| probe.iter().filter(|byte| is(**byte)).count();
    // Blanks are 0x40, letters and digits lie above 0x80.
    let blanks = count(|byte| byte == 0x40);
    let words = count(|byte| {
        let (high, low) = (byte >> 4, byte & 0xf);
        match high {
            0x8 | 0x9 | 0xc | 0xd => (1..=9).contains(&low),
            0xa | 0xe => (2..=9).contains(&low),
            0xf => low <= 9,
            _ => false,
        }
    });
    let is_ebcdic = blanks * 50 >= probe.len() && words * 2 >= probe.len();
    is_ebcdic.then_some("EBCDIC")
}

/// The kind of content of a file at `path` that starts with `bytes`.
pub fn kind(bytes: &[u8], path: &[u8]) -> Kind {
    if archive::is_archive(bytes) {
        return Kind::Archive;
    }
    if is_media(bytes) {
        return Kind::Other;
    }
    match recognise(bytes) {
        Content::Text(_) => Kind::Text,
        Content::Binary(_) if kind_by_name(path) == Kind::Archive => Kind::Archive,
        Content::Binary(_) => Kind::Other,
    }
}

/// The same if only the name is known. An unknown extension counts as text.
pub fn kind_by_name(path: &[u8]) -> Kind {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let ending = match memchr::memrchr(b'.', name) {
        Some(at) => name[at + 1..].to_ascii_lowercase(),
        None => return Kind::Text,
    };
    if MEDIA.contains(&&*ending) {
        Kind::Other
    } else if ARCHIVES.contains(&&*ending) {
        Kind::Archive
    } else {
        Kind::Text
    }
}

/// Extensions of images, audio, video and fonts, without image formats that are text.
const MEDIA: &[&[u8]] = &[
    b"png", b"jpg", b"jpeg", b"gif", b"bmp", b"webp", b"avif", b"heic", b"tif", b"tiff", b"ico", b"icns", b"psd",
    b"raw", b"mp3", b"wav", b"ogg", b"oga", b"flac", b"aac", b"m4a", b"mid", b"opus", b"mp4", b"m4v", b"mov", b"avi",
    b"mkv", b"webm", b"mpg", b"mpeg", b"wmv", b"ttf", b"otf", b"ttc", b"woff", b"woff2", b"eot",
];
/// Extensions of archives.
const ARCHIVES: &[&[u8]] = &[
    b"zip", b"jar", b"war", b"ear", b"apk", b"aar", b"whl", b"nupkg", b"tar", b"tgz", b"gz", b"xz", b"zst", b"bz2",
    b"7z", b"rar",
];

/// Whether it starts like an image, audio, video or font.
fn is_media(bytes: &[u8]) -> bool {
    const MARKS: &[&[u8]] = &[
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF87a",
        b"GIF89a",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"\0\0\x01\0",
        b"8BPS",
        b"ID3",
        b"\xff\xfb",
        b"OggS",
        b"fLaC",
        b"MThd",
        b"\x1aE\xdf\xa3",
        b"\0\x01\0\0",
        b"OTTO",
        b"ttcf",
        b"wOFF",
        b"wOF2",
    ];
    let marked = MARKS.iter().any(|mark| bytes.starts_with(mark))
        && memchr::memchr(0, &bytes[..bytes.len().min(PROBE)]).is_some();
    let riff = bytes.starts_with(b"RIFF") && matches!(bytes.get(8..12), Some(b"WAVE" | b"AVI " | b"WEBP"));
    marked || riff || bytes.get(4..8) == Some(b"ftyp")
}

/// Whether all are valid characters, with a line of ASCII among them.
fn is_utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> bool {
    let probe = &bytes[..bytes.len().min(PROBE)];
    let units = probe.as_chunks::<4>().0;
    bytes.len().is_multiple_of(4)
        && units.iter().all(|four| char::from_u32(unit(*four)).is_some_and(|c| !is_binary_character(c)))
}

/// Whether all are valid characters, some of them ASCII.
fn is_utf16(probe: &[u8], unit: fn([u8; 2]) -> u16) -> bool {
    let pairs = probe.as_chunks::<2>().0;
    let units = || pairs.iter().map(|pair| unit(*pair));
    let ascii = units().filter(|unit| matches!(unit, 9 | 10 | 13 | 0x20..=0x7e)).count();
    // The probe may end inside a character.
    let mut characters = char::decode_utf16(units().take(pairs.len().saturating_sub(1)));
    pairs.len() >= 8 && ascii * 20 >= pairs.len() && characters.all(|c| c.is_ok_and(|c| !is_binary_character(c)))
}

/// Whether text does not contain it: control, private-use and unassigned characters.
fn is_binary_character(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}' | '\u{85}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{40000}'..='\u{dffff}' | '\u{e0200}'.. => true,
        c => c.is_control(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    let mut text = String::with_capacity(bytes.len());
    text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    text.into_bytes()
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Vec<u8> {
    let units = bytes.as_chunks::<4>().0.iter().map(|four| unit(*four));
    let mut text = String::with_capacity(bytes.len() / 2);
    text.extend(units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, mark: bool, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mut bytes: Vec<u8> = if mark { unit(0xfeff).to_vec() } else { Vec::new() };
        bytes.extend(text.encode_utf16().flat_map(unit));
        bytes
    }

    #[test]
    fn utf16_is_read_with_and_without_a_mark() {
        let text = "password = \"grün und blau\"\n";
        for bytes in [
            encoded(text, true, u16::to_le_bytes),
            encoded(text, true, u16::to_be_bytes),
            encoded(text, false, u16::to_le_bytes),
            encoded(text, false, u16::to_be_bytes),
        ] {
            assert_eq!(recognise(&bytes), Content::Text(Cow::Owned(text.as_bytes().to_vec())));
        }
    }

    #[test]
    fn utf32_and_utf16_of_other_scripts_are_read() {
        let text = "# 設定ファイル\npassword = \"パスワード\"\nこれはテストです\n";
        for bytes in [encoded(text, false, u16::to_le_bytes), encoded(text, false, u16::to_be_bytes)] {
            assert_eq!(recognise(&bytes), Content::Text(Cow::Owned(text.as_bytes().to_vec())));
        }
        for unit in [u32::to_le_bytes, u32::to_be_bytes] {
            let plain: Vec<u8> = text.chars().flat_map(|c| unit(u32::from(c))).collect();
            let marked = [&unit(0xfeff)[..], &plain].concat();
            for bytes in [plain, marked] {
                assert_eq!(recognise(&bytes), Content::Text(Cow::Owned(text.as_bytes().to_vec())));
            }
        }
    }

    #[test]
    fn an_encoding_that_is_not_read_is_known() {
        // `USER=ADMIN PASSWORD=...` and the like in code page 1047, with its line ends.
        let line = b"\xa4\xa2\x85\x99\x40\x7e\x40\x81\x84\x94\x89\x95\x40\x97\x81\xa2\xa2\xa6\x96\x99\x84\x40\x7e\x40\xf1\xf2\xf3\x15";
        assert_eq!(unread_encoding(&line.repeat(3)), Some("EBCDIC"));
        let random: Vec<u8> = (0..8000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for other in [
            &random[..],
            "passwört = \"grün\"\n".repeat(9).as_bytes(),
            b"",
            &[0x40; 99],
            "パスワード ".repeat(9).as_bytes(),
        ] {
            assert_eq!(unread_encoding(other), None);
        }
    }

    #[test]
    fn media_and_programs_are_neither_text_nor_archives() {
        for (bytes, path, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "x.txt", Kind::Other),
            (b"\0\0\0\x20ftypisom\0", "film", Kind::Other),
            (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0", "program", Kind::Other),
            (b"just text\n", "x.png", Kind::Text),
            (b"BMW = car\n", "x", Kind::Text),
            (b"<svg xmlns=\"x\"/>", "x.svg", Kind::Text),
            (b"PK\x03\x04", "x", Kind::Archive),
        ] {
            assert_eq!(kind(bytes, path.as_bytes()), expected, "{path}");
        }
        for (path, expected) in
            [("a/x.PNG", Kind::Other), ("x.tgz", Kind::Archive), ("x", Kind::Text), ("x.sql", Kind::Text)]
        {
            assert_eq!(kind_by_name(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn programs_are_binary_and_latin_1_is_text() {
        assert!(matches!(recognise(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"), Content::Binary(_)));
        assert!(matches!(recognise(b"passw\xf6rd = x"), Content::Text(Cow::Borrowed(_))));
        assert!(matches!(recognise(b""), Content::Text(_)));
    }
}
