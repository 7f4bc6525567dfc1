//! Secrets that follow a phrase of a command or a language rather than a name.
//!
//! Owns the phrases of SQL, PowerShell, .NET, Java and of command line clients.

use std::ops::Range;

use super::rank;
use crate::analyze::secrets::Pass;
use crate::analyze::secrets::assignment::{Operator, Quote};
use crate::analyze::secrets::extent::{self, Notation, Quoted};
use crate::analyze::secrets::file_kind::FileKind;
use crate::analyze::secrets::judge::{self, Context, Verdict};
use crate::analyze::secrets::keywords::Hit;
use crate::analyze::secrets::names::{self, Promise};

/// Maximum number of bytes read of the rows of an `INSERT`.
const ROWS_REACH: usize = 64 * 1024;
const REACH: usize = 240;

impl Pass<'_, '_, '_> {
    pub(in super::super) fn phrase(&mut self, hit: Hit) {
        let known = &self.scanner.engine.known;
        let (password, command_line) = (known.password, known.command_line);
        if !hit.keyword().text.contains("kind") {
            let line = rest_of_line(self.text, hit.end);
            self.effort.spend(line.len());
        }
        match hit.keyword().text {
            "identified by" if !self.in_statement(hit) => {}
            "identified by" | "securestring" => {
                if let Some(value) = first_quoted(self.text, hit.end, 40, self.notation) {
                    self.argument_value(value, password);
                }
            }
            "networkcredential(" | "passwordauthentication(" => {
                if let Some(value) = second_argument(self.text, hit.end, self.notation) {
                    self.argument_value(value, password);
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
                    self.argument_value(value, command_line);
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
        let longest = value.end;
        self.argument_value(Argument { value, longest }, rule);
    }

    fn argument_value(&mut self, argument: Argument, rule: usize) {
        let context = Context {
            promise: Promise::Password,
            quote: Quote::Quoted,
            operator: Operator::Argument,
            kind: FileKind::Text,
        };
        let (confidence, found) = match judge::judge(&self.text[argument.value.clone()], context) {
            Verdict::Secret(confidence) => (confidence, true),
            Verdict::Doubtful => (penstock_common::Confidence::Low, false),
            Verdict::Harmless => return,
        };
        let hidden = argument.value.start..argument.longest;
        self.add_within(rule, argument.value, hidden, confidence, found, (rank::SYNTAX, 0));
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
        let start = extent::line_start(self.text, hit.start());
        let head = &self.text[start..hit.start()];
        let (Some(echo), Some(pipe)) = (memchr::memmem::find(head, b"echo "), memchr::memrchr(b'|', head)) else {
            return;
        };
        let from = start + echo + b"echo ".len();
        let Some(value) = argument(self.text, from, start + pipe) else { return };
        self.argument_value(value.behind_colon(self.text).unwrap_or(value), rule);
    }

    /// Go's data source names: `user:password@tcp(host)`.
    fn data_source(&mut self, hit: Hit) {
        let floor = hit.start().saturating_sub(120);
        let head = &self.text[floor..hit.start()];
        let start = head
            .iter()
            .rposition(|b| matches!(b, b'"' | b'\'' | b'`' | b' ' | b'\t' | b'\n'))
            .map_or(floor, |at| floor + at + 1);
        let Some(colon) = memchr::memchr(b':', &self.text[start..hit.start()]) else { return };
        // `DSN=user:…`, `mysql://user:…`: the user name starts later; the password follows its
        // first colon.
        if self.text[start + colon..].starts_with(b"://") {
            return;
        }
        let rule = self.scanner.engine.known.url;
        self.phrase_value(start + colon + 1..hit.start(), rule);
    }

    /// Oracle's `user/password@host`, in what follows on the line. Whether there is one.
    pub(super) fn oracle(&mut self, hit: Hit) -> bool {
        let line = rest_of_line(self.text, hit.end);
        let text = &self.text[line.clone()];
        let Some(at) = memchr::memchr(b'@', text) else { return false };
        let Some(slash) = memchr::memrchr(b'/', &text[..at]) else { return false };
        // A password may contain more slashes.
        let slash = memchr::memchr(b'/', text).filter(|&first| first > 0 && is_word(&text[..first])).unwrap_or(slash);
        let apart = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b':' | b'/' | b'(' | b',');
        let user = text[..slash].iter().rev().take_while(|b| !apart(b)).count();
        let value = line.start + slash + 1..line.start + at;
        let breaks = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'');
        if user == 0 || value.is_empty() || self.text[value.clone()].iter().any(breaks) {
            return false;
        }
        let rule = self.scanner.engine.known.url;
        self.phrase_value(value, rule);
        true
    }

    /// `INSERT INTO users (name, password) VALUES ('x', 'y')`: the value in the column's place.
    fn insert(&mut self, hit: Hit, rule: usize) {
        let end = self.text.len().min(hit.end + 1200);
        self.effort.spend(end - hit.end);
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
        let end = self.text.len().min(hit.end + ROWS_REACH);
        let mut row = Some(hit.end + values + 1);
        while let Some(start) = row {
            let arguments = quoted_arguments(self.text, start, end, self.notation);
            let after = arguments.last().map_or(start, |(_, last)| last.after);
            row = next_row(self.text, after, end);
            self.effort.spend(row.unwrap_or(after) - start);
            if let Some((_, value)) = arguments.into_iter().find(|(place, _)| *place == column) {
                self.argument_value(value.into(), rule);
            }
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
                self.argument_value(value, rule);
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
            let start = value.value.start;
            let Some(password) = value.behind_colon(self.text) else { continue };
            if password.value.start == start + 1 || self.text[start..].starts_with(b"http") {
                // `-u :password` and `-u token:` are handled by name or mark.
                continue;
            }
            self.argument_value(password, rule);
            return;
        }
    }
}

/// An argument, and where its longest reading ends.
#[derive(Clone)]
struct Argument {
    value: Range<usize>,
    longest: usize,
}

impl Argument {
    /// `user:password`: the text after the first colon.
    fn behind_colon(&self, text: &[u8]) -> Option<Self> {
        let colon = memchr::memchr(b':', &text[self.value.clone()])?;
        Some(Self { value: self.value.start + colon + 1..self.value.end, longest: self.longest })
    }
}

impl From<Quoted> for Argument {
    fn from(quoted: Quoted) -> Self {
        Self { value: quoted.value, longest: quoted.longest }
    }
}

fn is_word(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'#' | b'"' | b'\''))
}

/// The quoted arguments of a call or list up to its closing bracket, each with its position among all arguments.
pub(super) fn quoted_arguments(text: &[u8], start: usize, end: usize, notation: Notation) -> Vec<(usize, Quoted)> {
    let mut found = Vec::new();
    let mut position = 0;
    let mut depth = 0_i32;
    let mut at = start;
    while at < end && found.len() < 8 {
        match text[at] {
            mark @ (b'"' | b'\'' | b'`') => {
                let Some(argument) = extent::argument(text, at + 1, end, mark, notation) else { break };
                at = argument.after - 1;
                found.push((position, argument));
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

/// Where the next row of an `INSERT` starts, `…), ('x', 'y')`, after its bracket.
fn next_row(text: &[u8], start: usize, end: usize) -> Option<usize> {
    let rest = text.get(start..end.min(start + REACH))?;
    let rest = &rest[..memchr::memchr(b';', rest).unwrap_or(rest.len())];
    memchr::memchr_iter(b'(', rest).find_map(|at| {
        let before = rest[..at].trim_ascii_end().strip_suffix(b",")?;
        before.trim_ascii_end().ends_with(b")").then_some(start + at + 1)
    })
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
fn argument(text: &[u8], start: usize, end: usize) -> Option<Argument> {
    let first = *text.get(start).filter(|_| start < end)?;
    if first == b'-' {
        return None;
    }
    // If the command is in a string of a program, the end of that string also ends the word.
    let limit = text[start..end].iter().skip(1).position(|b| matches!(b, b'"' | b'`')).map_or(end, |at| start + 1 + at);
    let limit = if matches!(first, b'"' | b'\'') { end } else { limit };
    let word = extent::word(text, start, limit)?;
    let longest = word.longest(text, Notation::Shell, start, None).end;
    let value = match &word.parts[..] {
        [first, .., last] => first.start..last.end,
        _ => word.value,
    };
    Some(Argument { longest: longest.min(limit).max(value.end), value })
}

/// The first quoted text within `reach` bytes on the same line.
fn first_quoted(text: &[u8], start: usize, reach: usize, notation: Notation) -> Option<Argument> {
    let end = text.len().min(start + REACH);
    let window = &text[start..end.min(start + reach)];
    let at = window.iter().position(|b| matches!(b, b'"' | b'\'' | b'\n')).filter(|&at| window[at] != b'\n')?;
    extent::argument(text, start + at + 1, end, window[at], notation).map(Argument::from)
}

/// The second argument of a call, if it is a quoted text: `f(user, "password"`.
fn second_argument(text: &[u8], start: usize, notation: Notation) -> Option<Argument> {
    let end = text.len().min(start + REACH);
    let comma = memchr::memchr2(b',', b'\n', &text[start..end]).filter(|&at| text[start + at] == b',')?;
    let mut at = start + comma + 1;
    while at < end && matches!(text[at], b' ' | b'\t' | b'@') {
        at += 1;
    }
    let mark = *text.get(at).filter(|b| at < end && matches!(b, b'"' | b'\''))?;
    extent::argument(text, at + 1, end, mark, notation).map(Argument::from)
}
