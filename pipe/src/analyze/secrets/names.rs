//! What the name of an assignment says about its value.
//!
//! Owns the vocabulary of names: `db_password` promises a password, `password_field` does not. Looks at the name only, never at the value.

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Promise {
    /// Nothing secret.
    Nothing,
    /// Perhaps a key, a salt, a session: only a random value counts.
    Perhaps,
    /// A token, an API key or a secret.
    Secret,
    /// A password that a person may have chosen.
    Password,
}

/// What a byte is in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Separator,
    Lower,
    Upper,
    /// Part of a letter beyond ASCII.
    Foreign,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Separator; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' => Class::Lower,
            b'A'..=b'Z' => Class::Upper,
            0x80.. => Class::Foreign,
            _ => Class::Separator,
        };
        byte += 1;
    }
    classes
};

/// Words of a name, lower case, without allocating for each.
struct Words {
    text: [u8; 96],
    ends: [u8; 16],
    count: usize,
}

impl Words {
    /// Splits at separators, at `aB` and at `ABc`. What does not fit is cut at the front: the end of a name says what it is.
    fn of(name: &[u8]) -> Self {
        let name = &name[name.len().saturating_sub(64)..];
        let mut words = Self { text: [0; 96], ends: [0; 16], count: 0 };
        let mut length = 0;
        let mut start = 0;
        let mut previous = Class::Separator;
        for (at, &byte) in name.iter().enumerate() {
            let class = CLASSES[usize::from(byte)];
            let humps = class == Class::Upper
                && match previous {
                    Class::Lower => true,
                    Class::Upper => name.get(at + 1).is_some_and(u8::is_ascii_lowercase),
                    Class::Separator | Class::Foreign => false,
                };
            if (class == Class::Separator || humps) && length > start {
                words.end(length);
                start = length;
            }
            if class != Class::Separator && length < words.text.len() {
                words.text[length] = byte.to_ascii_lowercase();
                length += 1;
            }
            previous = class;
        }
        if length > start {
            words.end(length);
        }
        words
    }

    fn end(&mut self, at: usize) {
        if self.count < self.ends.len() {
            self.ends[self.count] = at as u8;
            self.count += 1;
        }
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        (0..self.count).map(|at| {
            let start = if at == 0 { 0 } else { usize::from(self.ends[at - 1]) };
            &self.text[start..usize::from(self.ends[at])]
        })
    }
}

/// Endings of words, found by their last letter.
struct Endings {
    endings: &'static [&'static [u8]],
    /// Which endings a letter ends, as bits; letters by their lower five bits.
    by_last: [u64; 32],
}

impl Endings {
    const fn new(endings: &'static [&'static [u8]]) -> Self {
        assert!(endings.len() <= 64);
        let mut by_last = [0; 32];
        let mut at = 0;
        while at < endings.len() {
            let ending = endings[at];
            by_last[(ending[ending.len() - 1] & 0x1f) as usize] |= 1 << at;
            at += 1;
        }
        Self { endings, by_last }
    }

    /// Whether one of them ends `word`.
    fn end(&self, word: &[u8]) -> bool {
        let mut left = word.last().map_or(0, |last| self.by_last[usize::from(last & 0x1f)]);
        while left != 0 {
            if word.ends_with(self.endings[left.trailing_zeros() as usize]) {
                return true;
            }
            left &= left - 1;
        }
        false
    }
}

/// A sorted list of words, of which most are refused by their first letter, their last letter and their length.
struct List {
    words: &'static [&'static [u8]],
    /// By first letter, in its lower five bits: which lengths and which last letters its words
    /// have, and where they begin.
    lengths: [u32; 32],
    lasts: [u32; 32],
    starts: [u16; 33],
}

impl List {
    const fn new(words: &'static [&'static [u8]]) -> Self {
        let (mut lengths, mut lasts, mut starts) = ([0; 32], [0; 32], [0; 33]);
        let mut at = 0;
        let mut previous = 0;
        while at < words.len() {
            let word = words[at];
            assert!(word.len() < 32);
            let first = (word[0] & 0x1f) as usize;
            assert!(first >= previous, "the words are sorted");
            while previous < first {
                previous += 1;
                starts[previous] = at as u16;
            }
            lengths[first] |= 1 << word.len();
            lasts[first] |= 1 << (word[word.len() - 1] & 0x1f);
            at += 1;
        }
        while previous < 32 {
            previous += 1;
            starts[previous] = at as u16;
        }
        Self { words, lengths, lasts, starts }
    }

    fn has(&self, word: &[u8]) -> bool {
        let [first, ..] = word else { return false };
        let (at, last) = (usize::from(first & 0x1f), word[word.len() - 1] & 0x1f);
        word.len() < 32
            && self.lengths[at] >> word.len() & self.lasts[at] >> last & 1 == 1
            && self.words[usize::from(self.starts[at])..usize::from(self.starts[at + 1])].contains(&word)
    }
}

/// Endings of words that promise a password, also when glued to another word (`dbpassword`).
#[rustfmt::skip]
const PASSWORD_ENDINGS: &Endings = &Endings::new(&[
    b"password", b"passwords", b"passwd", b"pwd", b"passphrase", b"passcode", b"passwort", b"kennwort", b"senha",
    b"pswd", b"passwrd", b"dbpass", b"userpass", b"rootpass", b"adminpass", b"mypass", b"sshpass", b"mdp",
    b"motdepasse", b"storepass", b"keypass", b"basepass", b"pwds", b"masterauth",
]);
const PASSWORD_STARTS: &[&[u8]] = &[b"contrase", b"password", b"passwd"];
/// Endings of words that promise a secret.
#[rustfmt::skip]
const SECRET_ENDINGS: &Endings = &Endings::new(&[
    b"secret", b"secrets", b"token", b"tokens", b"apikey", b"apikeys", b"authkey", b"accesskey", b"secretkey",
    b"privatekey", b"credential", b"credentials", b"creds", b"cred", b"appkey", b"encryptionkey", b"masterkey",
    b"signingkey", b"licensekey", b"authorization", b"hmackey", b"sharedkey", b"accountkey", b"storagekey",
    b"adminkey", b"clientkey", b"sessionkey", b"bearer", b"keysecret",
]);
/// Words that make a secret of a `key`. Sorted.
#[rustfmt::skip]
const KEY_QUALIFIERS: &List = &List::new(&[
    b"access", b"account", b"admin", b"aes", b"api", b"app", b"application", b"auth", b"authentication", b"cipher",
    b"client", b"consumer", b"cookie", b"crypto", b"data", b"decrypt", b"decryption", b"deploy", b"des", b"dev",
    b"developer", b"encrypt", b"encryption", b"hmac", b"ingest", b"integration", b"jwt", b"license", b"live", b"master",
    b"merchant", b"oauth", b"pre", b"private", b"prod", b"production", b"root", b"rsa", b"secret", b"security",
    b"server", b"service", b"session", b"shared", b"sign", b"signing", b"ssh", b"staging", b"storage", b"subscription",
    b"user", b"webhook", b"write",
]);
/// Words of which only a random value counts. Sorted.
#[rustfmt::skip]
const PERHAPS_WORDS: &List = &List::new(&[
    b"auth", b"cookie", b"dsn", b"hmac", b"iv", b"key", b"keys", b"nonce", b"salt", b"sas", b"session", b"sid",
    b"signature", b"webhook",
]);
/// Last words that say the value is about a secret and not the secret. Sorted.
#[rustfmt::skip]
const ABOUT: &List = &List::new(&[
    b"action", b"age", b"alg", b"algo", b"algorithm", b"alias", b"annotation", b"answer", b"arn", b"at", b"attr",
    b"attribute", b"attributes", b"audience", b"binding", b"bindings", b"bits", b"board", b"body", b"branch", b"button",
    b"bytes", b"cache", b"callback", b"caption", b"chain", b"changed", b"charset", b"check", b"checker", b"checksum",
    b"class", b"code", b"codes", b"color", b"column", b"comment", b"commit", b"config", b"confirm", b"confirmation",
    b"count", b"css", b"date", b"delimiter", b"desc", b"description", b"digest", b"dir", b"directory", b"disabled",
    b"doc", b"docs", b"domain", b"down", b"driver", b"duration", b"enabled", b"encoding", b"encryption", b"endpoint",
    b"env", b"error", b"errors", b"event", b"exists", b"expiration", b"expired", b"expires", b"expiry", b"factory",
    b"failed", b"field", b"fields", b"file", b"filename", b"files", b"fingerprint", b"flag", b"flags", b"folder",
    b"form", b"format", b"found", b"frame", b"frames", b"generator", b"group", b"handler", b"hash", b"hashes",
    b"header", b"headers", b"height", b"help", b"helper", b"hidden", b"hint", b"history", b"host", b"icon", b"id",
    b"ids", b"idx", b"image", b"impl", b"index", b"info", b"input", b"instance", b"interface", b"interval", b"invalid",
    b"issuer", b"item", b"items", b"kind", b"label", b"len", b"length", b"limit", b"link", b"list", b"locator",
    b"management", b"manager", b"map", b"match", b"matches", b"max", b"md", b"menu", b"message", b"method", b"min",
    b"mismatch", b"missing", b"mode", b"module", b"msg", b"name", b"names", b"num", b"number", b"object", b"offset",
    b"option", b"options", b"order", b"package", b"pad", b"page", b"param", b"parameter", b"parameters", b"params",
    b"path", b"paths", b"pattern", b"period", b"permission", b"permissions", b"placeholder", b"plugin", b"policy",
    b"position", b"prefix", b"press", b"prompt", b"prop", b"property", b"provider", b"query", b"question", b"quota",
    b"rate", b"realm", b"ref", b"regex", b"regexp", b"repo", b"repository", b"request", b"required", b"reset",
    b"response", b"retries", b"ring", b"role", b"rotation", b"schema", b"scheme", b"scope", b"scopes", b"section",
    b"selector", b"separator", b"service", b"setting", b"sha", b"shown", b"size", b"sort", b"source", b"space", b"spec",
    b"state", b"status", b"store", b"strength", b"stroke", b"style", b"suffix", b"switch", b"tab", b"table", b"tag",
    b"tags", b"template", b"test", b"tests", b"text", b"thumbprint", b"time", b"timeout", b"title", b"toggle",
    b"tooltip", b"ttl", b"type", b"types", b"up", b"uri", b"url", b"urls", b"usage", b"used", b"util", b"utils",
    b"valid", b"validation", b"validator", b"var", b"variable", b"vault", b"verified", b"version", b"view", b"visible",
    b"width", b"word", b"words", b"xpath",
]);
/// Words anywhere in the name that make it harmless. Sorted.
#[rustfmt::skip]
const HARMLESS: &List = &List::new(&[
    b"anti", b"arrow", b"ast", b"authenticity", b"author", b"authors", b"bos", b"cache", b"cancel", b"cancellation",
    b"column", b"continuation", b"csrf", b"cursor", b"delimiter", b"dict", b"digest", b"eos", b"etag", b"expected",
    b"fake", b"foreign", b"forgot", b"forgotten", b"grammar", b"hash", b"hashed", b"hotkey", b"i", b"index", b"invalid",
    b"keyboard", b"keyword", b"keywords", b"lexer", b"locale", b"mask", b"max", b"min", b"next", b"num", b"pad",
    b"page", b"parser", b"partition", b"placeholder", b"primary", b"pub", b"pubkey", b"public", b"publickey",
    b"publishable", b"resume", b"separator", b"shortcut", b"sort", b"stop", b"sync", b"syntax", b"tokenization",
    b"tokenize", b"tokenizer", b"total", b"translation", b"unk", b"xsrf",
]);
/// Words beside which a `key` is a name or the public half.
const KEY_HARMLESS: &[&[u8]] = &[b"gpg", b"pgp", b"recv", b"site", b"sitekey", b"known", b"verify", b"vkey"];

/// What this name promises. Takes a few dozen nanoseconds; called for every keyword in front of an operator.
pub(super) fn promise(name: &[u8]) -> Promise {
    // The word of test runners.
    if name == b"PASS" {
        return Promise::Nothing;
    }
    let words = Words::of(name);
    let Some(last) = words.iter().next_back() else { return Promise::Nothing };
    if ABOUT.has(last) || words.iter().any(|word| HARMLESS.has(word) || word.starts_with(b"csrf")) {
        return Promise::Nothing;
    }
    let mut best = Promise::Nothing;
    for word in words.iter() {
        best = best.max(word_promise(word, &words));
    }
    best
}

fn word_promise(word: &[u8], all: &Words) -> Promise {
    if PASSWORD_ENDINGS.end(word)
        || PASSWORD_STARTS.iter().any(|start| word.starts_with(start))
        || word == b"pass"
        || word == b"pw"
        || word == b"psw"
        || word == b"psk"
    {
        return Promise::Password;
    }
    if SECRET_ENDINGS.end(word) {
        return Promise::Secret;
    }
    let is_key = word.ends_with(b"key") || word.ends_with(b"keys");
    if is_key && all.iter().any(|other| KEY_HARMLESS.contains(&other)) {
        return Promise::Nothing;
    }
    if (word == b"key" || word == b"keys") && all.iter().any(|other| KEY_QUALIFIERS.has(other)) {
        return Promise::Secret;
    }
    if PERHAPS_WORDS.has(word) || word.ends_with(b"key") {
        return Promise::Perhaps;
    }
    Promise::Nothing
}

/// Whether the name holds one of `words` (lower case) somewhere; an empty list asks for nothing.
pub(super) fn holds_one(name: &[u8], words: &[&str]) -> bool {
    words.is_empty()
        || words.iter().any(|word| name.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted() {
        for list in [ABOUT, HARMLESS, KEY_QUALIFIERS, PERHAPS_WORDS] {
            assert!(list.words.is_sorted() && list.words.iter().all(|word| list.has(word)));
        }
    }

    #[test]
    fn names_promise_what_people_mean() {
        use Promise::{Nothing, Password, Perhaps, Secret};
        for (name, expected) in [
            ("password", Password),
            ("db.password", Password),
            ("DB_PASS", Password),
            ("userPwd", Password),
            ("spring.datasource.password", Password),
            ("keystorePassword", Password),
            ("contraseña", Password),
            ("API_KEY", Secret),
            ("apiKey", Secret),
            ("x-api-key", Secret),
            ("client_secret", Secret),
            ("accessToken", Secret),
            ("AccountKey", Secret),
            ("key", Perhaps),
            ("salt", Perhaps),
            ("password_field", Nothing),
            ("passwordHint", Nothing),
            ("token_type", Nothing),
            ("publicKey", Nothing),
            ("primary_key", Nothing),
            ("max_tokens", Nothing),
            ("keyboard", Nothing),
            ("compass", Nothing),
            ("bypass", Nothing),
            ("author", Nothing),
            ("api_key_id", Nothing),
            ("nextPageToken", Nothing),
        ] {
            assert_eq!(promise(name.as_bytes()), expected, "{name}");
        }
    }
}
