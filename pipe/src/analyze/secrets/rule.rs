//! What a rule is.
//!
//! Owns the shape of the built-in rules, which `build.rs` compiles from `rules/*.toml` into statics. Rules are data: nothing here matches.

use std::sync::OnceLock;

use penstock_common::{Mask, Severity};

/// A kind of secret and how to recognise it. The fields are described in `rules/README.md`.
#[derive(Debug)]
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// Ids under which other scanners know the kind.
    pub aliases: &'static [&'static str],
    /// The file of `rules/` it stands in.
    pub group: &'static str,
    /// For people.
    pub title: &'static str,
    /// What a holder of the secret can do.
    pub description: &'static str,
    /// How bad a leak is.
    pub severity: Severity,
    /// How the keyword and the pattern relate.
    pub shape: Shape,
    /// One of them must occur, without case.
    pub keywords: &'static [&'static str],
    /// A regular expression on bytes; see [`Shape`] for what it matches.
    pub pattern: &'static str,
    /// For assignments: words of which the name must hold one.
    pub names: &'static [&'static str],
    /// Least Shannon entropy of the secret in bits a character; 0 demands nothing.
    pub entropy: f32,
    /// The secret is made of words, so that words prove nothing against it.
    pub words: bool,
    /// Offline validation.
    pub check: Check,
    /// The rule of which this is the second half.
    pub part_of: Option<usize>,
    /// The public start of the secret, shown in its mask.
    pub prefix: &'static str,
    /// How to make the secret useless.
    pub revoke: &'static str,
    /// Pages of the vendor.
    pub references: &'static [&'static str],
}

impl Rule {
    /// How a secret of this kind is shown.
    pub fn mask(&self) -> Mask {
        Mask::with_prefix(self.prefix)
    }

    /// Whether `id` names this rule.
    pub fn is_named(&self, id: &str) -> bool {
        self.id == id || self.aliases.contains(&id)
    }
}

/// How a rule's keyword and pattern relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The keyword starts the secret; the pattern is anchored there.
    Token,
    /// The pattern is searched around the keyword.
    Window {
        /// Bytes before the keyword.
        before: u16,
        /// Bytes after the keyword.
        after: u16,
    },
    /// The keyword stands in an assignment's name; the pattern is the whole value.
    Assigned,
    /// A detector of the engine reports under this rule.
    Engine,
}

/// Offline validations, named as in `rules/README.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are documented where rules are written")]
pub enum Check {
    None,
    Github,
    Npm,
    Jwt,
    Pem,
    AwsKeyId,
    Pypi,
    Penstock,
    Slack,
    Stripe,
    Luhn,
    UuidV4,
    Base64Text,
}

/// Start and end of a text in `TEXT`, or of a list in `LISTS`.
#[derive(Clone, Copy)]
struct Span(u32, u32);

impl Span {
    fn text(self) -> &'static str {
        &TEXT[self.0 as usize..self.1 as usize]
    }

    fn list(self, lists: &'static [&'static str]) -> &'static [&'static str] {
        &lists[self.0 as usize..self.1 as usize]
    }
}

/// A [`Rule`] without pointers. Some fifty thousand pointers would have to be relocated each time the program starts, also to print its version.
struct Packed {
    id: Span,
    aliases: Span,
    group: Span,
    title: Span,
    description: Span,
    severity: Severity,
    shape: Shape,
    keywords: Span,
    pattern: Span,
    names: Span,
    entropy: f32,
    words: bool,
    check: Check,
    part_of: Option<usize>,
    prefix: Span,
    revoke: Span,
    references: Span,
}

impl Packed {
    fn unpack(&self, lists: &'static [&'static str]) -> Rule {
        Rule {
            id: self.id.text(),
            aliases: self.aliases.list(lists),
            group: self.group.text(),
            title: self.title.text(),
            description: self.description.text(),
            severity: self.severity,
            shape: self.shape,
            keywords: self.keywords.list(lists),
            pattern: self.pattern.text(),
            names: self.names.list(lists),
            entropy: self.entropy,
            words: self.words,
            check: self.check,
            part_of: self.part_of,
            prefix: self.prefix.text(),
            revoke: self.revoke.text(),
            references: self.references.list(lists),
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/rules.rs"));

/// Every built-in rule, sorted by id. Unpacked when first asked for.
pub fn builtin() -> &'static [Rule] {
    static LISTED: OnceLock<Vec<&'static str>> = OnceLock::new();
    static UNPACKED: OnceLock<Vec<Rule>> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        let lists = LISTED.get_or_init(|| LISTS.iter().map(|span| span.text()).collect());
        RULES.iter().map(|packed| packed.unpack(lists)).collect()
    })
}

/// The index of the built-in rule with this id or alias.
pub fn find(id: &str) -> Option<usize> {
    let rules = builtin();
    rules
        .binary_search_by(|rule| rule.id.cmp(id))
        .ok()
        .or_else(|| rules.iter().position(|rule| rule.aliases.contains(&id)))
}
