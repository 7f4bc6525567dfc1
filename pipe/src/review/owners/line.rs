//! One line of `.bitbucket/CODEOWNERS`.
//!
//! Owns its grammar: a pattern, and whoever owns what it fits, with spaces between them and a comment at the end. Which files a pattern fits is not decided here.

/// Longest pattern, in bytes.
const PATTERN_MAX: usize = 256;
/// Most owners of a line.
const OWNERS_MAX: usize = 20;
/// Longest name of an owner, in bytes: that of a mail address.
const OWNER_MAX: usize = 254;

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The pattern as a glob, but for where it begins.
    pub(super) pattern: String,
    /// Who owns what it fits.
    pub(super) owners: Vec<String>,
}

/// Why a line says nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    #[error("it begins with an owner in place of a pattern")]
    NoPattern,
    #[error("its pattern is longer than {PATTERN_MAX} bytes")]
    TooLong,
    #[error("Bitbucket knows no `!`, `[ ]` and `\\#` in a pattern")]
    Syntax,
    #[error("its pattern cannot be read: {0}")]
    Glob(String),
    #[error("it names no owner")]
    NoOwner,
    #[error("it names more than {OWNERS_MAX} owners")]
    TooMany,
    #[error("an owner is a mail address, `@name` or `@workspace/group`; number {0} is none of these")]
    Owner(usize),
    #[error(
        "from a group, Bitbucket chooses with `:all`, `:random(2)` or `:least_busy(2)`; owner {0} says something else"
    )]
    Choice(usize),
}

/// Reads a line; `None` if it is empty or a comment.
pub(super) fn read(line: &str) -> Result<Option<Line>, Unread> {
    let mut words = words(line).into_iter();
    let Some(pattern) = words.next() else { return Ok(None) };
    if pattern.starts_with('@') {
        return Err(Unread::NoPattern);
    }
    if pattern.len() > PATTERN_MAX {
        return Err(Unread::TooLong);
    }
    if pattern.starts_with('!') || pattern.contains(['[', ']']) || pattern.contains("\\#") {
        return Err(Unread::Syntax);
    }
    if pattern.trim_matches('/').is_empty() {
        return Err(Unread::Glob("it has no name".to_owned()));
    }
    // Braces have no meaning in `.gitignore`, but they have one in a glob.
    let pattern = pattern.replace('{', "\\{").replace('}', "\\}");
    let mut owners: Vec<String> = Vec::new();
    for (at, word) in words.enumerate() {
        if at == OWNERS_MAX {
            return Err(Unread::TooMany);
        }
        let owner = owner(&word, at + 1)?;
        if !owners.iter().any(|known| known == owner) {
            owners.push(owner.to_owned());
        }
    }
    if owners.is_empty() { Err(Unread::NoOwner) } else { Ok(Some(Line { pattern, owners })) }
}

/// The words of a line. What follows a backslash belongs to its word, a space too; a word that begins with `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '#' if word.is_empty() => break,
            '\\' => {
                word.push(letter);
                word.extend(letters.next());
            }
            letter if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Whom a word names, without how reviewers are chosen from a group: all of it owns the file.
fn owner(word: &str, number: usize) -> Result<&str, Unread> {
    let none = || Unread::Owner(number);
    if word.len() > OWNER_MAX {
        return Err(none());
    }
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "._-+".contains(c));
    let Some(name) = word.strip_prefix('@') else {
        let is_address = word.split_once('@').is_some_and(|(local, host)| plain(local) && plain(host));
        return if is_address { Ok(word) } else { Err(none()) };
    };
    if let Some(id) = name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return if plain(&id.replace(':', "-")) { Ok(word) } else { Err(none()) };
    }
    match name.split_once('/') {
        None if plain(name) => Ok(word),
        None => Err(none()),
        Some((workspace, group)) => {
            let (group, choice) = group.split_once(':').map_or((group, None), |(group, choice)| (group, Some(choice)));
            if !plain(workspace) || !plain(group) {
                return Err(none());
            }
            match choice {
                None => Ok(word),
                Some(choice) if is_choice(choice) => Ok(&word[..word.len() - choice.len() - 1]),
                Some(_) => Err(Unread::Choice(number)),
            }
        }
    }
}

/// Whether this says how many reviewers are chosen from a group, and how.
fn is_choice(text: &str) -> bool {
    let (way, number) = text.split_once('(').map_or((text, None), |(way, rest)| (way, Some(rest)));
    let number = number.map(|rest| rest.strip_suffix(')').unwrap_or_default());
    let is_number = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    matches!((way, number), ("all", None)) || matches!(way, "random" | "least_busy") && number.is_none_or(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> (String, String) {
        let line = read(text).unwrap().unwrap();
        (line.pattern, line.owners.join(" "))
    }

    #[test]
    fn a_line_has_a_pattern_and_owners() {
        for (text, pattern, owners) in [
            ("* a@example.com", "*", "a@example.com"),
            ("\t/docs/  @jo   jo.doe+x@mail.example.com # both", "/docs/", "@jo jo.doe+x@mail.example.com"),
            ("*.rs @team/core:random(2) @team/all-of-us:all @team/core", "*.rs", "@team/core @team/all-of-us"),
            ("a\\ b @{557058:f4a1-0b}", "a\\ b", "@{557058:f4a1-0b}"),
            ("x{1,2} @team/core:least_busy", "x\\{1,2\\}", "@team/core"),
            ("C# @jo", "C#", "@jo"),
        ] {
            assert_eq!(line(text), (pattern.to_owned(), owners.to_owned()), "{text}");
        }
        for nothing in ["", "   ", "# a comment", "  #@jo"] {
            assert_eq!(read(nothing), Ok(None));
        }
    }

    #[test]
    fn what_bitbucket_does_not_know_is_refused() {
        for (text, error) in [
            ("@@@Team @jo", Unread::NoPattern),
            ("!a @jo", Unread::Syntax),
            ("[ab] @jo", Unread::Syntax),
            ("\\#a @jo", Unread::Syntax),
            ("/ @jo", Unread::Glob("it has no name".to_owned())),
            ("a", Unread::NoOwner),
            ("a # @jo", Unread::NoOwner),
            ("a @jo jo", Unread::Owner(2)),
            ("a @\"Jo", Unread::Owner(1)),
            ("a @team/", Unread::Owner(1)),
            ("a @team/core/x", Unread::Owner(1)),
            ("a x@y@z", Unread::Owner(1)),
            ("a <b>@example.com", Unread::Owner(1)),
            ("a @jo:all", Unread::Owner(1)),
            ("a @team/core:some", Unread::Choice(1)),
            ("a @team/core:random(2", Unread::Choice(1)),
            ("a @team/core:random(-1)", Unread::Choice(1)),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
        assert_eq!(read(&format!("{} @jo", "a".repeat(PATTERN_MAX + 1))), Err(Unread::TooLong));
        assert_eq!(read(&format!("a{}", " @jo".repeat(OWNERS_MAX + 1))), Err(Unread::TooMany));
        assert_eq!(read(&format!("a @{}", "j".repeat(OWNER_MAX))), Err(Unread::Owner(1)));
    }
}
