//! Mistakes: each with file, line and column, and all of them at once.

use super::*;

fn mistakes(text: &str) -> Vec<String> {
    try_layer(text, Mode::Exact, &[], "").err().unwrap_or_default()
}

#[test]
fn patterns_that_do_not_compile_are_named_with_their_rule_and_place() {
    let found = mistakes(
        "[[rules]]\nid = 'a'\nregex = 'ok(?!no)'\n[[rules]]\nid = 'b'\nregex = '''x[a'''\n[[rules]]\nid = 'c'\npath = \"(\"\n",
    );
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].starts_with(".gitleaks.toml:3:12: `regex` of the rule `a` cannot be compiled: look-around"),
        "{}",
        found[0]
    );
    assert!(found[0].ends_with("(at character 3 of the pattern)"), "{}", found[0]);
    assert!(found[1].starts_with(".gitleaks.toml:6:13: `regex` of the rule `b`"), "{}", found[1]);
    assert!(found[2].starts_with(".gitleaks.toml:9:8: `path` of the rule `c`"), "{}", found[2]);
    let found = mistakes("[allowlist]\nregexes = ['fine', 'a{2']\npaths = ['*']\n");
    assert_eq!(found.len(), 1, "a brace means itself: {found:?}");
    assert!(found[0].starts_with(".gitleaks.toml:3:11: `paths` of an allowlist"), "{}", found[0]);
}

#[test]
fn exploding_patterns_are_refused() {
    let found = mistakes("[[rules]]\nid = 'boom'\nregex = '((a{1000}){1000}){1000}'\n");
    assert!(found[0].contains("`regex` of the rule `boom` cannot be compiled: it is too large"), "{found:?}");
    let many: String =
        (0..200).map(|n| format!("[[rules]]\nid = 'r{n}'\nregex = '(([a-z]{{900}}){{900}}){{9}}'\n")).collect();
    let found = mistakes(&many);
    assert!(found.last().unwrap().contains("too large together"));
    // Such patterns cost a search that is linear in the text, so they may be used.
    assert!(try_layer("[[rules]]\nid = 'r'\nregex = '(a+)+$'\n", Mode::Exact, &[], "").is_ok());
}

#[test]
fn rules_must_be_whole() {
    assert_eq!(mistakes("[[rules]]\nregex = 'a'\n"), [".gitleaks.toml:1:1: a rule has no `id`"]);
    assert_eq!(mistakes("[[rules]]\nid = 'a'\n"), [".gitleaks.toml:2:6: the rule `a` looks for nothing"]);
    assert_eq!(
        mistakes("[[rules]]\nid = 'a'\nregex = '(x)'\nsecretGroup = 2\n"),
        [".gitleaks.toml:4:15: the rule `a` has no group 2: its `regex` has 1"]
    );
    assert_eq!(
        mistakes("[[rules]]\nid = 'a'\nregex = 'x'\n[[rules.required]]\nid = 'b'\n"),
        [".gitleaks.toml:5:6: there is no rule `b` to require"]
    );
    assert_eq!(mistakes("[[rules]]\nid = 'a'\nregex = 'x'\nsecretGroup = -1\n").len(), 1);
}

#[test]
fn allowlists_must_be_whole() {
    assert_eq!(mistakes("[[allowlists]]\ndescription = 'x'\n"), [".gitleaks.toml:1:1: this allowlist allows nothing"]);
    let rule = "[[rules]]\nid = 'a'\nregex = 'x'\n";
    assert_eq!(mistakes(&format!("{rule}[rules.allowlist]\n")).len(), 1);
    assert_eq!(
        mistakes("[[allowlists]]\npaths = ['a']\ncondition = 'XOR'\nregexTarget = 'file'\n"),
        [".gitleaks.toml:3:13: unknown `condition`: `XOR`", ".gitleaks.toml:4:15: unknown `regexTarget`: `file`",]
    );
    assert_eq!(
        mistakes("[[allowlists]]\npaths = ['a']\ntargetRules = ['nothing']\n"),
        [".gitleaks.toml:3:16: there is no rule `nothing` for this allowlist"]
    );
}

#[test]
fn old_and_new_forms_do_not_stand_together() {
    let found = mistakes("[allowlist]\npaths = ['a']\n[[allowlists]]\npaths = ['b']\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("older form"), "{found:?}");
    let rule =
        "[[rules]]\nid = 'a'\nregex = 'x'\n[rules.allowlist]\npaths = ['a']\n[[rules.allowlists]]\npaths = ['b']\n";
    assert!(mistakes(rule)[0].contains("[rules.allowlist]"));
}

#[test]
fn types_and_syntax_are_told_with_their_place() {
    assert_eq!(
        mistakes("[[rules]]\nid = 3\nregex = 'a'\n"),
        [
            ".gitleaks.toml:2:6: expected a text in quotation marks, found integer",
            ".gitleaks.toml:1:1: a rule has no `id`",
        ]
    );
    assert_eq!(mistakes("rules = 3\n"), [".gitleaks.toml:1:9: expected a list of tables, found integer"]);
    assert_eq!(mistakes("[[rules]]\nid = 'a'\nregex = 'a'\nentropy = 'x'\n").len(), 1);
    assert!(mistakes("[[rules]\nid = 'ü' x\n")[0].starts_with(".gitleaks.toml:"));
}

#[test]
fn extending_has_its_own_mistakes() {
    assert!(mistakes("[extend]\nuseDefault = true\npath = 'x'\n")[0].contains("cannot stand together"));
    let found = mistakes("[extend]\npath = 'x.toml'\n");
    assert_eq!(found, [".gitleaks.toml:2:8: `x.toml` is not there"]);
    let files = [("x.toml", "[[rules]]\nid = 'a'\nregex = '('\n")];
    let found = try_layer("[extend]\npath = 'x.toml'\n[allowlist]\n", Mode::Exact, &files, "").err().unwrap();
    assert_eq!(found.len(), 2);
    assert!(
        found.iter().any(|one| one.starts_with("x.toml:3:"))
            && found.iter().any(|one| one.starts_with(".gitleaks.toml:3:"))
    );
}

#[test]
fn what_gitleaks_passes_over_is_told() {
    let layer = layer(
        "minVersion = 'v8.1'\ntitle = 't'\nfilter = 'x'\n[[rules]]\nid = 'a'\nregex = 'b'\nseverity = 'high'\n[[rules]]\nid = 'a'\nregex = 'c'\n",
    );
    let notices: Vec<_> = layer.notices().iter().map(|n| (n.subject.as_str(), n.reason.as_str(), n.by_limit)).collect();
    assert_eq!(
        notices,
        [
            (".gitleaks.toml:3", "not understood: the key `filter`", true),
            (".gitleaks.toml:7", "not understood: the key `severity`", true),
            (".gitleaks.toml:5", "the rule `a` is written twice: the last one counts", true),
        ]
    );
}
