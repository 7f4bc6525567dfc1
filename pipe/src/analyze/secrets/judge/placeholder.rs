//! Values that stand in for something else: references, templates, placeholders, dummies.
//!
//! Owns recognising them by form. Used for every kind of secret, so that a vendor's token of only `x` is as little a finding as a password
//! `changeme`. The texts of placeholders are long enough that a random token does not hold one by chance.

use super::words;

/// Whether the value is fetched from elsewhere: a variable, a template, a call, a path into a vault.
pub(in crate::analyze::secrets) fn is_reference(value: &[u8], bare: bool) -> bool {
    // Every text that is looked for below holds one of these or a letter, and most values none of them.
    let signs =
        value.iter().any(|b| matches!(b, b'$' | b'{' | b'}' | b'<' | b'%' | b'#' | b'\\' | b'[' | b'"' | b'\'' | b'!'));
    let has = |needle: &[u8]| signs && memchr::memmem::find(value, needle).is_some();
    let first = value.first().copied().unwrap_or(0);
    let last = value.last().copied().unwrap_or(0);
    let inner = &value[1.min(value.len())..];
    let is_name = |text: &[u8]| {
        !text.is_empty()
            && text
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b'>' | b'[' | b']'))
    };
    if signs && (bare && has(b"}}") || TEMPLATES.iter().any(|(open, close)| interpolates(value, open, close, bare))) {
        return true;
    }
    match first {
        b'$' => {
            // `$password`, `$HOME/.ssh/key`, `$1`
            let path = inner.iter().position(|b| *b == b'/').unwrap_or(inner.len());
            return is_name(&inner[..path]) && (value.len() == 2 || !inner.first().is_some_and(u8::is_ascii_digit));
        }
        b'<' if last == b'>' || !bare && (value.contains(&b'>') || words::coverage(value) > 0.5) => return true,
        b'[' if last == b']' => return true,
        b'{' if last == b'}' => return true,
        b'%' if last == b'%' || value.len() <= 4 => return true,
        b'@' if last == b'@' => return true,
        b'!' if bare && (has(b"Ref") || has(b"vault") || has(b"Sub") || has(b"GetAtt") || has(b"env")) => return true,
        b'&' | b'*' | b'|' if bare => return true,
        // Substitution variables of SQL clients: `&app_password`.
        b'&' if inner.iter().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'&')) => return true,
        _ => {}
    }
    if value.starts_with(b"__") && value.ends_with(b"__") {
        return true;
    }
    #[rustfmt::skip]
    const SCHEMES: &[&[u8]] = &[
        b"env:", b"env.", b"vault:", b"secret:", b"secrets:", b"secretsmanager:", b"ssm:", b"arn:", b"file:", b"op://",
        b"enc[", b"enc(", b"keyvault", b"akv:", b"gcp:", b"sops:", b"ref+", b"projects/", b"process.env", b"os.environ",
        b"os.getenv", b"system.getenv", b"env[", b"env(", b"getenv(", b"configuration[", b"var.", b"local.", b"data.",
        b"module.", b"secrets.", b"settings.", b"self.", b"this.", b"config.", b"params.", b"args.", b"options.",
        b"@microsoft.keyvault", b"request.", b"req.", b"ctx.", b"props.", b"app.",
    ];
    let letter = first.to_ascii_lowercase();
    let begins = |scheme: &[u8]| {
        scheme[0] == letter && value.len() >= scheme.len() && value[..scheme.len()].eq_ignore_ascii_case(scheme)
    };
    if SCHEMES.iter().any(|scheme| begins(scheme)) {
        return true;
    }
    // `getSecret()`, `config.get("x")`, `input[0]`.
    let open = value.iter().position(|b| matches!(b, b'(' | b'['));
    if let Some(open) = open
        && open > 0
        && is_name(&value[..open])
        && (bare || matches!(last, b')' | b']'))
        && (bare || !value[..open].iter().any(u8::is_ascii_digit))
    {
        return true;
    }
    // `"a" + b`, format strings
    let formats = signs && FORMATS.iter().any(|format| memchr::memmem::find(value, format).is_some());
    formats && (bare || !is_noise(value))
}

/// How template and programming languages interpolate.
const TEMPLATES: &[(&[u8], &[u8])] = &[
    (b"${", b"}"),
    (b"{{", b"}}"),
    (b"<%", b"%>"),
    (b"#{", b"}"),
    (b"{%", b"%}"),
    (b"$(", b")"),
    (b"%(", b")"),
    (b"$[", b"]"),
    (b"\\(", b")"),
    (b"[[", b"]]"),
];
#[rustfmt::skip]
const FORMATS: &[&[u8]] = &[b"%s", b"%d", b"%v", b"{0}", b"{}", b"\" +", b"' +", b"%@", b"' . "];

/// Whether the value interpolates something between `open` and `close`. A value cut at an inner
/// quote lacks `close`; a random value may contain `open` by chance.
fn interpolates(value: &[u8], open: &[u8], close: &[u8], bare: bool) -> bool {
    let Some(at) = memchr::memmem::find(value, open) else { return false };
    let rest = &value[at + open.len()..];
    let inner = memchr::memmem::find(rest, close).map(|end| &rest[..end]);
    let begins = |text: &[u8]| {
        text.first().is_none_or(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'.' | b'-' | b'$' | b'"' | b'\'' | b'/' | b'@')
        })
    };
    match inner {
        Some(inner) => begins(inner),
        None => bare || rest.iter().all(|b| b.is_ascii_alphanumeric() || b" _.-:>()[]$".contains(b)),
    }
}

/// Whether a value with format signs is otherwise random: digits and other signs, hardly a word.
fn is_noise(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let others = value.iter().filter(|b| b.is_ascii_punctuation() && !b"%{}".contains(b)).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    value.len() >= 8 && letters >= 3 && digits + others >= 2 && words::coverage(value) < 0.35
}

/// Texts that no random token of usual length holds by chance.
#[rustfmt::skip]
const PLACEHOLDERS: &[&[u8]] = &[
    b"example", b"sample", b"placeholder", b"changeme", b"change_me", b"change-me", b"changeit", b"change_it",
    b"change this", b"replace", b"your_", b"your-", b"your.", b"yourtoken", b"yoursecret", b"yourpass", b"yourapi",
    b"yourkey", b"your ", b"<your", b"insert", b"xxxx", b"****", b"\xe2\x80\xa2\xe2\x80\xa2", b"....", b"todo",
    b"fixme", b"dummy", b"foobar", b"redacted", b"censored", b"masked", b"_here", b"-here", b"here>", b"goes here",
    b"goeshere", b"secrethere", b"keyhere", b"tokenhere", b"not-a-real", b"notareal", b"not_a_real", b"not-real",
    b"notreal", b"invalid", b"mysecret", b"my_secret", b"my-secret", b"mytoken", b"my-token", b"my_token",
    b"mypassword", b"my_password", b"my-password", b"myapikey", b"my-api", b"my_api", b"somepassword", b"some-secret",
    b"sometoken", b"fakesecret", b"fake_", b"fake-", b"faketoken", b"fakekey", b"undefined", b"deadbeef", b"cafebabe",
    b"abcdefgh", b"abcd1234", b"abc123", b"12345678", b"asdfasdf", b"qwertyui",
    b"loremipsum", b"lorem ipsum", b"test-token", b"test_token", b"test-key", b"test_key", b"testtoken", b"testkey",
    b"testsecret", b"test-secret", b"test_secret", b"notasecret", b"not-a-secret", b"not_a_secret", b"supersecret",
    b"super-secret", b"super_secret", b"topsecret", b"unused", b"obfuscated", b"sanitized", b"scrubbed", b"hidden",
    b"-----",
];

/// Whether somebody wrote the value so that it is seen to be none.
pub(in crate::analyze::secrets) fn is_placeholder(value: &[u8]) -> bool {
    if value.len() > 512 {
        return false;
    }
    // A token cut short for the reader.
    if value.ends_with(b"...") || value.ends_with("…".as_bytes()) {
        return true;
    }
    let lower = value.to_ascii_lowercase();
    // Most placeholders have a first pair of bytes that the value does not hold.
    let mut pairs = [0_u64; 16];
    let place = |a: u8, b: u8| (usize::from(a ^ b >> 4) % 16, (b ^ a << 3) % 64);
    for pair in lower.windows(2) {
        let (word, bit) = place(pair[0], pair[1]);
        pairs[word] |= 1 << bit;
    }
    let may_hold = |text: &[u8]| {
        let (word, bit) = place(text[0], text[1]);
        pairs[word] >> bit & 1 == 1
    };
    PLACEHOLDERS.iter().any(|text| may_hold(text) && memchr::memmem::find(&lower, text).is_some())
        || has_long_run(&lower)
        || is_monotonous(&lower)
}

/// One character over and over, and little else: some vendors' tokens hold a row of `A` among much that is random.
fn has_long_run(value: &[u8]) -> bool {
    let longest = value.chunk_by(|a, b| a == b).map(<[u8]>::len).max().unwrap_or(0);
    longest >= 7 && longest * 3 >= value.len()
}

/// Few different characters, or characters that follow each other as in the alphabet or the digits.
pub(in crate::analyze::secrets) fn is_monotonous(value: &[u8]) -> bool {
    let body: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    if body.len() < 6 {
        return body.is_empty();
    }
    let mut seen = [false; 256];
    body.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&s| s).count();
    if distinct <= 2 || (distinct <= 4 && body.len() >= 16) {
        return true;
    }
    let steps =
        body.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1 || pair[0].wrapping_sub(pair[1]) == 1).count();
    steps * 10 >= (body.len() - 1) * 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_and_placeholders_are_recognised() {
        for value in [
            "$PASSWORD",
            "${PASSWORD}",
            "{{ password }}",
            "<password>",
            "%PASSWORD%",
            "os.environ['X']",
            "config.get('x')",
            "vault:secret/x",
            "@TOKEN@",
            "#{x}",
            "self.password",
        ] {
            assert!(is_reference(value.as_bytes(), true), "{value}");
        }
        for value in ["$ecret!9", "p@ss(word1", "Xk29-sD", "correct horse"] {
            assert!(!is_reference(value.as_bytes(), false), "{value}");
        }
        for value in [
            "your_api_key",
            "xxxxxxxxxxxx",
            "changeme",
            "1234567890",
            "abcdefghijklmnop",
            "AKIAIOSFODNN7EXAMPLE",
            "**********",
            "aaaaaaaaaa",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in ["x7Gh2Lq9ZkWpQ", "3f786850e387550fdab836ed7e6dc881de23001b", "Tr0ub4dor&3"] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
