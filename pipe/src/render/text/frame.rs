//! A few lines of code with a mark under what was found.
//!
//! Owns alignment: tabs are widened and wide characters counted as two, so that the mark stands right on a terminal.

use std::io::{self, Write};

use penstock_common::{Excerpt, ExcerptLine};

use super::style::Style;
use crate::render::clean;

/// Columns from one tab stop to the next.
const TAB: usize = 4;

pub(super) fn write(excerpt: &Excerpt, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let digits = excerpt.lines.iter().map(|line| line.number.to_string().len()).max().unwrap_or(1).max(4);
    for line in &excerpt.lines {
        let (text, mark) = lay_out(line);
        let number = style.frame(&format!("{:>digits$} |", line.number));
        writeln!(out, "  {}", format!("{number} {text}").trim_end())?;
        if let Some((start, end)) = mark {
            let bar = style.frame(&format!("{:>digits$} |", ""));
            let carets = style.mark(&"^".repeat(end.saturating_sub(start).max(1)));
            writeln!(out, "  {bar} {:start$}{carets}", "")?;
        }
    }
    Ok(())
}

/// The line as it is shown, and the columns of its mark.
fn lay_out(line: &ExcerptLine) -> (String, Option<(usize, usize)>) {
    let mut shown = String::with_capacity(line.text.len());
    let mut column = 0;
    // The column in which each character starts, and where the last one ends.
    let mut starts = Vec::with_capacity(line.text.len() + 1);
    for c in line.text.chars() {
        starts.push(column);
        if c == '\t' {
            let step = TAB - column % TAB;
            shown.push_str(&" ".repeat(step));
            column += step;
        } else {
            let from = shown.len();
            clean::push(&mut shown, c);
            column += shown[from..].chars().map(clean::width).sum::<usize>();
        }
    }
    starts.push(column);
    let at = |offset: u32| starts[(offset as usize).min(starts.len() - 1)];
    (shown, line.mark.map(|(start, end)| (at(start), at(end))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::secrets::verbatim;

    fn laid_out(text: &str, mark: (u32, u32)) -> (String, (usize, usize)) {
        let (shown, mark) = lay_out(&ExcerptLine { number: 1, text: verbatim(text), mark: Some(mark) });
        (shown, mark.unwrap())
    }

    #[test]
    fn the_mark_stands_under_what_it_marks() {
        assert_eq!(laid_out("\tkey: x", (6, 7)), ("    key: x".to_owned(), (9, 10)));
        assert_eq!(laid_out("a\tb", (2, 3)), ("a   b".to_owned(), (4, 5)));
        assert_eq!(laid_out("密码=x", (3, 4)), ("密码=x".to_owned(), (5, 6)));
        assert_eq!(laid_out("e\u{301}=x", (3, 4)), ("e\u{301}=x".to_owned(), (2, 3)));
        assert_eq!(laid_out("\u{1b}x", (1, 2)), ("\\x1bx".to_owned(), (4, 5)));
    }

    #[test]
    fn a_mark_beyond_the_line_does_no_harm() {
        assert_eq!(laid_out("ab", (7, 3)), ("ab".to_owned(), (2, 2)));
    }
}
