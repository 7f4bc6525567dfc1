//! Secrets that follow a phrase of a command or a language rather than a name.
//!
//! Owns the phrases of SQL, PowerShell, .NET, Java and of command line clients.

use std::ops::Range;

use super::rank;
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::{self, Promise};

const REACH: usize = 240;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn phrase(&mut self, hit: Hit) {
        let known = &self.scanner.engine.known;
        let (password, command_line) = (known.password, known.command_line);
        match hit.keyword().text {
            "identified by" if !self.in_statement(hit) => {}
            "identified by" | "securestring" => {
                if let Some(value) = first_quoted(self.text, hit.end, 40) {
                    self.phrase_value(value, password);
                }
            }
            "networkcredential(" | "passwordauthentication(" => {
                if let Some(value) = second_argument(self.text, hit.end) {
                    self.phrase_value(value, password);
                }
            }
            "sshpass" => self.option(hit, &[b" -p ", b" -p"], true, command_line),
            "redis-cli" => self.option(hit, &[b" -a ", b" --pass "], false, command_line),
            "mysql" | "7z " => self.option(hit, &[b" -p"], false, command_line),
            "docker login" | "psexec" | "mongo " | "mongosh " => {
                self.option(hit, &[b" -p ", b" --password "], false, command_line)
            }
            "ldapsearch" | "ldapadd" | "ldapmodify" => self.option(hit, &[b" -w "], false, command_line),
            "sqlcmd" | "unzip -p" | "zip -p" => self.option(hit, &[b" -P "], false, command_line),
            "openssl " => self.option(hit, &[b" -k ", b"pass:"], false, command_line),
            "htpasswd " => self.last_argument(hit, command_line),
            "net use " | "net user " => self.last_argument(hit, command_line),
            "chpasswd" | "sudo -s" => self.piped(hit, command_line),
            "--requirepass " => {
                let end = rest_of_line(self.text, hit.end).end;
                if let Some(value) = argument(self.text, hit.end, end) {
                    self.phrase_value(value, command_line);
                }
            }
            "@tcp(" => self.data_source(hit),
            "oracle:thin:" | "sqlplus " => {
                self.oracle(hit);
            }
            "insert into" => self.insert(hit, password),
            "curl " | "svn " | "rsync " | "smbclient" | "pass:" => self.user_option(hit, command_line),
            _ => self.kubernetes(hit),
        }
    }

    /// Whether a statement about users or grants is what the phrase belongs to, rather than prose.
    fn in_statement(&self, hit: Hit) -> bool {
        let before = self.text[hit.start().saturating_sub(160)..hit.start()].to_ascii_lowercase();
        [&b"user"[..], b"grant", b"role", b"alter"].iter().any(|word| memchr::memmem::find(&before, word).is_some())
    }

    fn phrase_value(&mut self, value: Range<usize>, rule: usize) {
        let context = Context {
            promise: Promise::Password,
            quote: Quote::Quoted,
            operator: Operator::Argument,
            kind: FileKind::Text,
        };
        match judge::judge(&self.text[value.clone()], context) {
            Verdict::Secret(confidence) => self.add(rule, value, confidence, true, (rank::SYNTAX, 0)),
            Verdict::Doubtful => self.add(rule, value, penstock_common::Confidence::Low, false, (rank::SYNTAX, 0)),
            Verdict::Harmless => {}
        }
    }

    /// `htpasswd -b file user password`, `net use Z: \\\\host\\share password`: the last word of the line, if it looks like one.
    fn last_argument(&mut self, hit: Hit, rule: usize) {
        let line = rest_of_line(self.text, hit.end);
        let text = self.text[line.clone()].trim_ascii_end();
        let Some(at) = memchr::memrchr(b' ', text) else { return };
        let word = &text[at + 1..];
        // Options, paths and names are words; only what is surely none counts here.
        if word.iter().any(u8::is_ascii_digit) && !word.contains(&b'/') && !word.contains(&b'\\') {
            self.phrase_value(line.start + at + 1..line.start + text.len(), rule);
        }
    }

    /// `echo 'user:password' | chpasswd`, `echo password | sudo -S`.
    fn piped(&mut self, hit: Hit, rule: usize) {
        let start = crate::analyze::secrets::assignment::line_start(self.text, hit.start());
        let head = &self.text[start..hit.start()];
        let (Some(echo), Some(pipe)) = (memchr::memmem::find(head, b"echo "), memchr::memrchr(b'|', head)) else {
            return;
        };
        let from = start + echo + b"echo ".len();
        let Some(value) = argument(self.text, from, start + pipe) else { return };
        let colon = memchr::memchr(b':', &self.text[value.clone()]).map_or(0, |at| at + 1);
        self.phrase_value(value.start + colon..value.end, rule);
    }

    /// Go's data source names: `user:password@tcp(host)`.
    fn data_source(&mut self, hit: Hit) {
        let floor = hit.start().saturating_sub(120);
        let head = &self.text[floor..hit.start()];
        let start = head
            .iter()
            .rposition(|b| matches!(b, b'"' | b'\'' | b'`' | b' ' | b'=' | b'\n' | b'/'))
            .map_or(floor, |at| floor + at + 1);
        let Some(colon) = memchr::memchr(b':', &self.text[start..hit.start()]) else { return };
        let rule = self.scanner.engine.known.url;
        self.phrase_value(start + colon + 1..hit.start(), rule);
    }

    /// Oracle's `user/password@host`, in what follows on the line. Whether there is one.
    pub(super) fn oracle(&mut self, hit: Hit) -> bool {
        let line = rest_of_line(self.text, hit.end);
        let text = &self.text[line.clone()];
        let Some(at) = memchr::memchr(b'@', text) else { return false };
        let Some(slash) = memchr::memrchr(b'/', &text[..at]) else { return false };
        let apart = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b':' | b'/' | b'(' | b',');
        let user = text[..slash].iter().rev().take_while(|b| !apart(b)).count();
        let value = line.start + slash + 1..line.start + at;
        if user == 0 || value.is_empty() || self.text[value.clone()].iter().any(apart) {
            return false;
        }
        let rule = self.scanner.engine.known.url;
        self.phrase_value(value, rule);
        true
    }

    /// `INSERT INTO users (name, password) VALUES ('x', 'y')`: the value in the column's place.
    fn insert(&mut self, hit: Hit, rule: usize) {
        let end = self.text.len().min(hit.end + 1200);
        let statement = &self.text[hit.end..end];
        let Some(open) = memchr::memchr(b'(', statement) else { return };
        let Some(close) = memchr::memchr(b')', &statement[open..]).map(|at| open + at) else { return };
        let column = statement[open + 1..close]
            .split(|b| *b == b',')
            .position(|name| names::promise(name.trim_ascii()) == Promise::Password);
        let Some(column) = column else { return };
        let Some(values) = statement[close..].iter().position(|b| *b == b'(').map(|at| close + at) else { return };
        if !statement[close..values].to_ascii_lowercase().windows(6).any(|word| word == b"values") {
            return;
        }
        if let Some(value) =
            quoted_arguments(self.text, hit.end + values + 1, end).into_iter().find(|(place, _)| *place == column)
        {
            self.phrase_value(value.1, rule);
        }
    }

    /// The argument right after an option on the same line.
    fn option(&mut self, hit: Hit, options: &[&[u8]], first_only: bool, rule: usize) {
        let line = rest_of_line(self.text, hit.end);
        for option in options {
            let Some(at) = memchr::memmem::find(&self.text[line.clone()], option) else { continue };
            if first_only && at > 4 {
                continue;
            }
            if let Some(value) = argument(self.text, line.start + at + option.len(), line.end) {
                self.phrase_value(value, rule);
                return;
            }
        }
    }

    /// `-u user:password`, `--user user:password`.
    fn user_option(&mut self, hit: Hit, rule: usize) {
        let line = rest_of_line(self.text, hit.end - 1);
        for option in [&b" -u "[..], b" -u", b" --user ", b" --user=", b" --proxy-user "] {
            let Some(at) = memchr::memmem::find(&self.text[line.clone()], option) else { continue };
            let Some(value) = argument(self.text, line.start + at + option.len(), line.end) else { continue };
            let Some(colon) = memchr::memchr(b':', &self.text[value.clone()]) else { continue };
            let password = value.start + colon + 1..value.end;
            if self.text[value.start..value.start + colon].is_empty() || self.text[value.start..].starts_with(b"http") {
                // `-u :password` and `-u token:` are handled by name or mark.
                continue;
            }
            self.phrase_value(password, rule);
            return;
        }
    }
}

/// The quoted arguments of a call or list up to its closing bracket, each with its position among all arguments.
pub(super) fn quoted_arguments(text: &[u8], start: usize, end: usize) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    let mut position = 0;
    let mut depth = 0_i32;
    let mut at = start;
    while at < end && found.len() < 8 {
        match text[at] {
            b'"' | b'\'' | b'`' => {
                let Some(length) = memchr::memchr2(text[at], b'\n', &text[at + 1..end]) else { break };
                if text[at + 1 + length] == b'\n' {
                    break;
                }
                found.push((position, at + 1..at + 1 + length));
                at += length + 1;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth < 0 {
                    break;
                }
            }
            b',' if depth == 0 => position += 1,
            b';' => break,
            _ => {}
        }
        at += 1;
    }
    found
}

/// Up to the end of a line; a backslash continues it.
fn rest_of_line(text: &[u8], start: usize) -> Range<usize> {
    let limit = text.len().min(start + REACH);
    let mut at = start;
    while let Some(found) = memchr::memchr(b'\n', &text[at..limit]) {
        at += found;
        if at == start || text[at - 1] != b'\\' {
            return start..at;
        }
        at += 1;
    }
    start..limit
}

/// One argument of a command, without its quotation marks.
fn argument(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    let first = *text.get(start).filter(|_| start < end)?;
    if matches!(first, b'"' | b'\'') {
        let length = memchr::memchr(first, &text[start + 1..end])?;
        return Some(start + 1..start + 1 + length);
    }
    let length = text[start..end]
        .iter()
        .position(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'`' | b'|' | b';' | b'&' | b')'))
        .unwrap_or(end - start);
    (length > 0 && first != b'-').then_some(start..start + length)
}

/// The first quoted text within `reach` bytes on the same line.
fn first_quoted(text: &[u8], start: usize, reach: usize) -> Option<Range<usize>> {
    let end = text.len().min(start + REACH);
    let window = &text[start..end.min(start + reach)];
    let at = window.iter().position(|b| matches!(b, b'"' | b'\'' | b'\n'))?;
    argument(text, start + at, end).filter(|_| window[at] != b'\n')
}

/// The second argument of a call, if it is a quoted text: `f(user, "password"`.
fn second_argument(text: &[u8], start: usize) -> Option<Range<usize>> {
    let end = text.len().min(start + REACH);
    let comma = memchr::memchr2(b',', b'\n', &text[start..end]).filter(|&at| text[start + at] == b',')?;
    let mut at = start + comma + 1;
    while at < end && matches!(text[at], b' ' | b'\t' | b'@') {
        at += 1;
    }
    matches!(text.get(at), Some(b'"' | b'\'')).then(|| argument(text, at, end)).flatten()
}
