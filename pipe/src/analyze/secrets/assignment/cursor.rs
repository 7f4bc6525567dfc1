//! A reading position within a text.
//!
//! Owns the small steps: looking, eating a literal, passing blanks and quotation marks. It never leaves the text or its reach.

use crate::analyze::secrets::extent::Notation;

/// A reading position that never leaves the text or its reach.
pub(super) struct Cursor<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    pub(super) limit: usize,
    pub(super) notation: Notation,
    /// Bytes searched for the end of a value without finding it.
    pub(super) in_vain: usize,
}

// Inlined: with a literal as word each is a comparison of one number.
impl Cursor<'_> {
    #[inline(always)]
    pub(super) fn peek(&self) -> u8 {
        if self.at < self.limit { self.text[self.at] } else { 0 }
    }

    #[inline(always)]
    pub(super) fn starts_with(&self, word: &[u8]) -> bool {
        self.text[self.at.min(self.limit)..self.limit].starts_with(word)
    }

    #[inline(always)]
    pub(super) fn eat(&mut self, word: &[u8]) -> bool {
        let eaten = self.starts_with(word);
        if eaten {
            self.at += word.len();
        }
        eaten
    }

    pub(super) fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        self.at > start
    }

    /// Blanks, and one line end with the blanks after it.
    pub(super) fn skip_line_end(&mut self) {
        self.skip_blanks();
        let start = self.at;
        if !self.eat(b"\r\n") && !self.eat(b"\n") && !self.eat(b"\\n") {
            return;
        }
        self.skip_blanks();
        if self.peek() == 0 {
            self.at = start;
        }
    }

    /// A quotation mark, however it is written; its length and closing form.
    pub(super) fn eat_quote(&mut self) -> Option<&'static [u8]> {
        #[rustfmt::skip]
        const QUOTES: &[&[u8]] = &[
            b"\\\\\\\"", b"\\\\\"", b"\\\"", b"\\'", b"\\u0022", b"\\u0027", b"&quot;", b"&#34;", b"&#39;", b"&apos;", b"%22",
            b"%27", b"\"\"\"", b"'''", b"\"", b"'", b"`",
        ];
        if !matches!(self.peek(), b'"' | b'\'' | b'`' | b'\\' | b'&' | b'%') {
            return None;
        }
        QUOTES.iter().copied().find(|quote| self.eat(quote))
    }
}
