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
        for (at, &byte) in name.iter().enumerate() {
            let letter = byte.is_ascii_alphabetic() || byte >= 0x80;
            let previous = at.checked_sub(1).map(|p| name[p]);
            let next = name.get(at + 1);
            let humps = byte.is_ascii_uppercase()
                && (previous.is_some_and(|p| p.is_ascii_lowercase())
                    || (previous.is_some_and(|p| p.is_ascii_uppercase()) && next.is_some_and(u8::is_ascii_lowercase)));
            if (!letter || humps) && length > start {
                words.end(length);
                start = length;
            }
            if letter && length < words.text.len() {
                words.text[length] = byte.to_ascii_lowercase();
                length += 1;
            }
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

/// Endings of words that promise a password, also when glued to another word (`dbpassword`).
#[rustfmt::skip]
const PASSWORD_ENDINGS: &[&[u8]] = &[
    b"password", b"passwords", b"passwd", b"pwd", b"passphrase", b"passcode", b"passwort", b"kennwort", b"senha",
    b"pswd", b"passwrd", b"dbpass", b"userpass", b"rootpass", b"adminpass", b"mypass", b"sshpass", b"mdp",
    b"motdepasse", b"storepass", b"keypass", b"basepass", b"pwds", b"masterauth",
];
const PASSWORD_STARTS: &[&[u8]] = &[b"contrase", b"password", b"passwd"];
/// Endings of words that promise a secret.
#[rustfmt::skip]
const SECRET_ENDINGS: &[&[u8]] = &[
    b"secret", b"secrets", b"token", b"tokens", b"apikey", b"apikeys", b"authkey", b"accesskey", b"secretkey",
    b"privatekey", b"credential", b"credentials", b"creds", b"cred", b"appkey", b"encryptionkey", b"masterkey",
    b"signingkey", b"licensekey", b"authorization", b"hmackey", b"sharedkey", b"accountkey", b"storagekey",
    b"adminkey", b"clientkey", b"sessionkey", b"bearer", b"keysecret",
];
/// Words that make a secret of a `key`.
#[rustfmt::skip]
const KEY_QUALIFIERS: &[&[u8]] = &[
    b"api", b"access", b"secret", b"private", b"auth", b"authentication", b"encryption", b"encrypt", b"decryption",
    b"decrypt", b"signing", b"sign", b"master", b"account", b"storage", b"shared", b"service", b"app", b"application",
    b"client", b"admin", b"license", b"crypto", b"cipher", b"aes", b"des", b"hmac", b"security", b"session", b"jwt",
    b"consumer", b"deploy", b"root", b"subscription", b"server", b"cookie", b"write", b"merchant", b"integration",
    b"developer", b"dev", b"user", b"data", b"oauth", b"webhook", b"pre", b"ssh", b"rsa", b"ingest", b"live", b"prod",
    b"production", b"staging",
];
#[rustfmt::skip]
const PERHAPS_WORDS: &[&[u8]] = &[
    b"key", b"keys", b"auth", b"salt", b"nonce", b"hmac", b"signature", b"session", b"cookie", b"dsn", b"sas",
    b"webhook", b"iv", b"sid",
];
/// Last words that say the value is about a secret and not the secret.
#[rustfmt::skip]
const ABOUT: &[&[u8]] = &[
    b"id", b"ids", b"name", b"names", b"file", b"files", b"filename", b"path", b"paths", b"dir", b"directory",
    b"folder", b"url", b"uri", b"urls", b"endpoint", b"host", b"type", b"types", b"field", b"fields", b"label",
    b"length", b"len", b"size", b"regex", b"regexp", b"pattern", b"count", b"placeholder", b"hint", b"error",
    b"errors", b"message", b"msg", b"text", b"title", b"prompt", b"policy", b"expires", b"expiry", b"expiration",
    b"expired", b"ttl", b"timeout", b"format", b"class", b"style", b"column", b"index", b"idx", b"prefix", b"suffix",
    b"param", b"params", b"parameter", b"parameters", b"header", b"headers", b"attr", b"attribute", b"attributes",
    b"required", b"enabled", b"disabled", b"valid", b"invalid", b"validator", b"validation", b"reset", b"changed",
    b"strength", b"min", b"max", b"input", b"form", b"view", b"page", b"button", b"link", b"action", b"event",
    b"handler", b"callback", b"provider", b"manager", b"factory", b"cache", b"map", b"list", b"kind", b"state",
    b"status", b"mode", b"version", b"algorithm", b"alg", b"algo", b"method", b"scheme", b"source", b"template",
    b"usage", b"description", b"desc", b"help", b"info", b"doc", b"docs", b"ref", b"arn", b"vault", b"rotation",
    b"selector", b"locator", b"xpath", b"css", b"icon", b"color", b"image", b"width", b"height", b"order", b"sort",
    b"frame", b"frames", b"code", b"codes", b"pad", b"generator", b"date", b"time", b"at", b"exists", b"found",
    b"missing", b"failed", b"verified", b"var", b"variable", b"env", b"property", b"prop", b"setting", b"config",
    b"alias", b"domain", b"realm", b"issuer", b"audience", b"scope", b"scopes", b"group", b"role", b"permission",
    b"permissions", b"table", b"schema", b"query", b"response", b"request", b"body", b"object", b"instance",
    b"interface", b"impl", b"helper", b"util", b"utils", b"test", b"tests", b"spec", b"digest", b"hash", b"checksum",
    b"fingerprint", b"thumbprint", b"hashes", b"sha", b"md", b"encoding", b"charset", b"separator", b"delimiter",
    b"position", b"offset", b"number", b"num", b"bits", b"bytes", b"ring", b"chain", b"space", b"board", b"word",
    b"words", b"press", b"down", b"up", b"stroke", b"binding", b"bindings", b"spec", b"check", b"checker", b"store",
    b"driver", b"plugin", b"module", b"package", b"repository", b"repo", b"branch", b"commit", b"tag", b"tags",
    b"annotation", b"comment", b"question", b"answer", b"tooltip", b"caption", b"section", b"tab", b"menu", b"item",
    b"items", b"option", b"options", b"flag", b"flags", b"switch", b"toggle", b"visible", b"hidden", b"shown",
    b"confirm", b"confirmation", b"mismatch", b"match", b"matches", b"history", b"age", b"length", b"limit", b"quota",
    b"rate", b"interval", b"period", b"duration", b"retries", b"used", b"encryption", b"management", b"service",
];
/// Words anywhere in the name that make it harmless.
#[rustfmt::skip]
const HARMLESS: &[&[u8]] = &[
    b"public", b"pub", b"pubkey", b"publickey", b"publishable", b"primary", b"foreign", b"sort", b"partition",
    b"column", b"translation", b"locale", b"i", b"keyword", b"keywords", b"tokenizer", b"tokenize", b"tokenization",
    b"keyboard", b"hotkey", b"shortcut", b"arrow", b"max", b"min", b"num", b"total", b"expected", b"invalid", b"fake",
    b"placeholder", b"forgot", b"forgotten", b"lexer", b"parser", b"syntax", b"grammar", b"ast", b"stop", b"pad",
    b"eos", b"bos", b"unk", b"mask", b"cache", b"dict", b"etag", b"index", b"author", b"authors", b"next", b"page",
    b"continuation", b"cancellation", b"cancel", b"anti", b"sync", b"resume", b"cursor", b"delimiter", b"separator",
    b"csrf", b"xsrf", b"authenticity", b"hashed", b"hash", b"digest", b"continuation",
];
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
    if ABOUT.contains(&last) || words.iter().any(|word| HARMLESS.contains(&word) || word.starts_with(b"csrf")) {
        return Promise::Nothing;
    }
    let mut best = Promise::Nothing;
    for word in words.iter() {
        best = best.max(word_promise(word, &words));
    }
    best
}

fn word_promise(word: &[u8], all: &Words) -> Promise {
    if PASSWORD_ENDINGS.iter().any(|ending| word.ends_with(ending))
        || PASSWORD_STARTS.iter().any(|start| word.starts_with(start))
        || word == b"pass"
        || word == b"pw"
        || word == b"psw"
        || word == b"psk"
    {
        return Promise::Password;
    }
    if SECRET_ENDINGS.iter().any(|ending| word.ends_with(ending)) {
        return Promise::Secret;
    }
    let is_key = word.ends_with(b"key") || word.ends_with(b"keys");
    if is_key && all.iter().any(|other| KEY_HARMLESS.contains(&other)) {
        return Promise::Nothing;
    }
    if (word == b"key" || word == b"keys") && all.iter().any(|other| KEY_QUALIFIERS.contains(&other)) {
        return Promise::Secret;
    }
    if PERHAPS_WORDS.contains(&word) || word.ends_with(b"key") {
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
