//! Values that are plainly something else: words of a language, numbers, times, addresses, patterns, names of formats.
//!
//! Owns telling them by form. What merely stands in for a secret is [`super::placeholder`]'s business.

use super::words;

/// Words of languages and forms that stand where a secret could.
pub(super) fn is_literal_word(value: &[u8]) -> bool {
    #[rustfmt::skip]
    const LITERALS: &[&[u8]] = &[
        b"null", b"none", b"true", b"false", b"undefined", b"empty", b"string", b"optional", b"required", b"default",
        b"enabled", b"disabled", b"yes", b"bool", b"boolean", b"number", b"object", b"int32", b"int64", b"nullptr",
        b"bytes",
    ];
    LITERALS.iter().any(|literal| value.eq_ignore_ascii_case(literal))
}

/// Paths, URLs, mail addresses, dotted names and the like.
pub(super) fn is_address(value: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(value, needle).is_some();
    // A path has few signs other than its own.
    let is_path = || value.iter().filter(|b| b.is_ascii_punctuation() && !b"/\\._-~:%$*+@{}".contains(b)).count() <= 1;
    if has(b"://")
        || value.starts_with(b"./")
        || value.starts_with(b"../")
        || value.starts_with(b"~/")
        || (value.starts_with(b"/") && value[1..].contains(&b'/') || has(b":\\") || value.starts_with(b"\\\\"))
            && is_path()
    {
        return true;
    }
    if value.starts_with(b"/") && !value.iter().any(u8::is_ascii_digit) && words::coverage(value) > 0.6 {
        return true;
    }
    #[rustfmt::skip]
    const ENDINGS: &[&[u8]] = &[
        b".pem", b".key", b".crt", b".txt", b".json", b".yml", b".yaml", b".xml", b".html", b".php", b".js", b".ts",
        b".py", b".java", b".go", b".rb", b".conf", b".properties", b".jks", b".p12", b".pfx", b".com", b".org", b".net",
        b".io", b".local", b".md", b".png", b".cfg", b".ini", b".pub", b".cer", b".der", b".env", b".sh", b".sql",
        b".csv",
    ];
    if ENDINGS
        .iter()
        .any(|ending| value.len() > ending.len() && value[value.len() - ending.len()..].eq_ignore_ascii_case(ending))
    {
        return true;
    }
    // `a@b.com`
    if let Some(at) = memchr::memchr(b'@', value)
        && at > 0
        && memchr::memchr(b'.', &value[at..]).is_some()
        && value[at + 1..].iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && words::coverage(&value[at + 1..]) > 0.5
    {
        return true;
    }
    // `login.password.label`, `com.example.Name`, `a/b/c`: words with joiners and nothing else.
    let joined = value.iter().filter(|b| matches!(b, b'.' | b'/' | b':')).count();
    joined >= 2 && words::coverage(value) > 0.6 && value.iter().filter(|b| b.is_ascii_digit()).count() <= 2
}

/// `0x00800000`, `2.71828e-1000`, `1_000L`: a number of a programming language. Decimal digits alone may be a PIN and are not meant.
pub(super) fn is_number(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    match value {
        [b'0', b'x' | b'X', rest @ ..] => {
            rest.len() <= 18
                && rest.iter().all(|b| {
                    b.is_ascii_hexdigit()
                        || matches!(b, b'_' | b'.' | b'p' | b'P' | b'-' | b'+' | b'u' | b'U' | b'l' | b'L')
                })
        }
        [b'0'..=b'9' | b'.' | b'-' | b'+', rest @ ..] => {
            digits < value.len()
                && digits * 2 >= value.len()
                && rest.iter().all(|b| {
                    b.is_ascii_digit()
                        || matches!(
                            b,
                            b'.' | b'_' | b'e' | b'E' | b'-' | b'+' | b'i' | b'f' | b'u' | b'U' | b'l' | b'L'
                        )
                })
        }
        _ => false,
    }
}

/// `2016-09-08T21:47:36Z`, `2016-09-08`
pub(super) fn is_time(value: &[u8]) -> bool {
    value.len() >= 10
        && value
            .iter()
            .zip(b"dddd-dd-dd")
            .all(|(byte, form)| if *form == b'd' { byte.is_ascii_digit() } else { byte == form })
        && value[10..].iter().all(|b| b.is_ascii_digit() || matches!(b, b'T' | b'Z' | b':' | b'.' | b'+' | b'-' | b' '))
}

/// A regular expression or the like rather than a text it matches.
pub(super) fn is_pattern(value: &[u8]) -> bool {
    #[rustfmt::skip]
    const SIGNS: &[&[u8]] = &[
        b"a-z", b"A-Z", b"0-9]", b"\\d", b"\\w", b"\\s", b"\\S", b"(?", b".*", b".+", b"[^", b"]+", b"]*", b"]{", b"\\b",
    ];
    if !value.iter().any(|b| matches!(b, b'[' | b'(' | b'*' | b'+' | b'{')) {
        return false;
    }
    let signs = SIGNS.iter().filter(|sign| memchr::memmem::find(value, sign).is_some()).count();
    // A random text may contain one of them by chance, but then little else looks like a pattern.
    signs > 1 || signs == 1 && !is_noise(value)
}

/// Whether much of a value is neither words nor pattern syntax.
fn is_noise(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let foreign = value.iter().filter(|b| b"!\"#%&',/:;<=>@_`~".contains(b)).count();
    value.len() >= 8 && digits + foreign >= 2 && words::coverage(value) < 0.4
}

/// Names of encodings, algorithms and platforms with their numbers: `utf-16le`, `SCRAM-SHA-256`, `Win32_System`, `ja_JP.UTF8`.
pub(super) fn is_technical(value: &[u8]) -> bool {
    #[rustfmt::skip]
    const STEMS: &[&[u8]] = &[
        b"utf", b"ucs", b"iso", b"ascii", b"latin", b"sha", b"md", b"scram", b"hmac", b"aes", b"des", b"rsa", b"ecdsa",
        b"ed", b"hs", b"rs", b"es", b"ps", b"cbc", b"gcm", b"ctr", b"ecb", b"kdf", b"pbkdf", b"bcrypt", b"scrypt", b"argon",
        b"base", b"win", b"linux", b"amd", b"arm", b"x", b"i", b"v", b"ver", b"http", b"oauth", b"openid", b"saml", b"ssl",
        b"tls", b"tlsv", b"sslv", b"int", b"uint", b"float", b"char", b"varchar", b"mysql", b"mysqli", b"pgsql", b"sqlite",
        b"postgres", b"oracle", b"db", b"k", b"s", b"ec", b"p", b"pkcs", b"der", b"pem", b"jks", b"le", b"be", b"blowfish",
        b"rfc", b"aws", b"ssh", b"ldap", b"smtp", b"imap", b"ipv", b"net", b"api", b"web",
        b"crypt", b"digest", b"ntlm", b"mschap", b"mschapv", b"chap", b"eap", b"wpa", b"wep", b"psk", b"cp", b"us", b"pk", b"id",
    ];
    if value.len() > 32 || !value.iter().any(u8::is_ascii_digit) {
        return false;
    }
    let mut seen = 0;
    let mut whole = true;
    let mut digits_only = true;
    for part in value.split(|b| !b.is_ascii_alphanumeric()) {
        if part.is_empty() {
            whole = false;
            continue;
        }
        // Letters, digits, perhaps letters again.
        let head = part.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let number = part[head..].iter().take_while(|b| b.is_ascii_digit()).count();
        let tail = &part[head + number..];
        let known = |text: &[u8]| {
            text.len() <= 2 && head == part.len()
                || text.is_empty()
                || STEMS.iter().any(|stem| text.eq_ignore_ascii_case(stem))
                || (text.len() >= 4 && words::coverage(text) > 0.9)
        };
        digits_only &= head == 0;
        if !known(&part[..head])
            || !known(tail)
            || number > 4
            || (head > 0 && number > 0 && !STEMS.iter().any(|stem| part[..head].eq_ignore_ascii_case(stem)))
        {
            return false;
        }
        seen += 1;
    }
    // `SCRAM-SHA-256`: joined by signs that join names only.
    let joined =
        value.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':' | b' '));
    whole && joined && seen > 0 && !digits_only
}
