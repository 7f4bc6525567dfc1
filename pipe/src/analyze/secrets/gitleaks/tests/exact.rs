//! Which rules are in force: found in the tree, asked for by flag, extended, disabled, overridden.

use penstock_common::Severity;

use super::*;
use crate::analyze::secrets::rule;

const TEXT: &str = "db_password = \"q7W3e9-r1Tz!mK5\"\nacme_q7w3e9r1\n";
const RULE: &str = "[[rules]]\nid = 'acme'\nregex = 'acme_[a-z0-9]{8}'\n";

/// Ids of what is found in `TEXT`.
fn ids(text: &str, mode: Mode, files: &[(&str, &str)]) -> Vec<String> {
    let found = findings(try_layer(text, mode, files, "").unwrap(), "app.py", TEXT);
    active(&found).into_iter().map(|(id, _)| id.to_owned()).collect()
}

fn ours() -> String {
    ids("", Mode::Add, &[])[0].clone()
}

#[test]
fn a_configuration_in_the_tree_adds() {
    assert_eq!(ids(RULE, Mode::Add, &[]), [ours(), "acme".to_owned()]);
    let disabled = format!("{RULE}[extend]\ndisabledRules = ['{}']\n", ours());
    assert_eq!(ids(&disabled, Mode::Add, &[]), ["acme"]);
}

#[test]
fn a_configuration_that_is_asked_for_replaces() {
    assert_eq!(ids(RULE, Mode::Exact, &[]), ["acme"]);
    let default = format!("[extend]\nuseDefault = true\n{RULE}");
    assert_eq!(ids(&default, Mode::Exact, &[]), [ours(), "acme".to_owned()]);
    let disabled = format!("[extend]\nuseDefault = true\ndisabledRules = ['{}', 'nothing']\n{RULE}", ours());
    assert_eq!(ids(&disabled, Mode::Exact, &[]), ["acme"]);
    let layer = try_layer(&disabled, Mode::Exact, &[], "").unwrap();
    assert_eq!(layer.notices()[0].reason, "there is no rule `nothing` to disable");
}

#[test]
fn rules_that_are_replaced_still_hide_what_they_find() {
    let found = findings(try_layer(RULE, Mode::Exact, &[], "").unwrap(), "app.py", TEXT);
    assert_eq!(found.len(), 1);
    assert!(!format!("{found:?}").contains("r1Tz"), "{found:?}");
}

#[test]
fn ids_of_gitleaks_name_our_rules() {
    let Some(rule) = rule::builtin().iter().find(|rule| !rule.aliases.is_empty()) else { return };
    let index = rule::find(rule.id).unwrap();
    let disabled = format!("[extend]\ndisabledRules = ['{}']\n", rule.aliases[0]);
    assert!(try_layer(&disabled, Mode::Add, &[], "").unwrap().is_muted(index));
}

#[test]
fn a_rule_of_the_same_id_overrides_ours_where_the_configuration_is_followed() {
    let id = ours();
    let own = format!("[extend]\nuseDefault = true\n[[rules]]\nid = '{id}'\nregex = 'acme_[a-z0-9]{{8}}'\n");
    let found = findings(try_layer(&own, Mode::Exact, &[], "").unwrap(), "app.py", TEXT);
    assert_eq!(active(&found), [(id.as_str(), 2)]);
    // In the tree it stands beside ours.
    assert_eq!(ids(&own, Mode::Add, &[]), [id.clone(), id.clone()]);
    let words = format!("[extend]\nuseDefault = true\n[[rules]]\nid = '{id}'\ndescription = 'Mine'\ntags = ['low']\n");
    let found = findings(try_layer(&words, Mode::Exact, &[], "").unwrap(), "app.py", TEXT);
    assert_eq!((found[0].title.as_str(), found[0].severity), ("Mine", Severity::Low));
    let entropy = format!("[extend]\nuseDefault = true\n[[rules]]\nid = '{id}'\nentropy = 7.5\n");
    assert!(ids(&entropy, Mode::Exact, &[]).is_empty());
    assert_eq!(ids(&entropy, Mode::Add, &[]), [id], "in the tree it takes nothing away");
}

#[test]
fn extended_files_are_merged_rule_by_rule() {
    let base = "[[rules]]\nid = 'acme'\ndescription = 'Base'\nregex = 'never'\nkeywords = ['acme']\nentropy = 9.0\ntags = ['low']\n[[rules]]\nid = 'other'\nregex = 'q7w3'\n[[rules]]\nid = 'gone'\nregex = 'acme'\n[[allowlists]]\npaths = ['^base/']\n";
    let own = "[extend]\npath = 'base.toml'\ndisabledRules = ['gone']\n[[rules]]\nid = 'acme'\nregex = 'acme_([a-z0-9]{8})'\nentropy = 1.0\nkeywords = ['nowhere']\ntags = ['critical']\n";
    let layer = try_layer(own, Mode::Exact, &[("base.toml", base)], "").unwrap();
    assert!(layer.covers(b"base/x", None));
    assert!(layer.notices().is_empty(), "{:?}", layer.notices());
    let found = findings(layer, "app.py", "acme_q7w3e9r1");
    assert_eq!(active(&found), [("acme", 1)]);
    assert_eq!((found[0].title.as_str(), found[0].severity), ("Base", Severity::Low));
}

#[test]
fn the_chain_ends_after_two() {
    let link = |next: &str, id: &str| format!("[extend]\npath = '{next}'\n[[rules]]\nid = '{id}'\nregex = 'acme'\n");
    let (a, b, c) = (link("b.toml", "a"), link("c.toml", "b"), link("d.toml", "c"));
    let files = [("b.toml", b.as_str()), ("c.toml", c.as_str()), ("d.toml", RULE)];
    let layer = try_layer(&a, Mode::Exact, &files, "").unwrap();
    assert_eq!(layer.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(layer.notices()[0].subject, "c.toml:2");
    // A file that extends itself comes to an end as well.
    assert!(try_layer(&a, Mode::Exact, &[("b.toml", &a)], "").is_ok());
}

#[test]
fn defaults_may_come_through_an_extended_file() {
    let own = "[extend]\npath = 'base.toml'\n";
    assert_eq!(ids(own, Mode::Exact, &[("base.toml", "[extend]\nuseDefault = true\n")]), [ours()]);
}

#[test]
fn the_digest_follows_the_texts() {
    let digest = |text: &str, ignore: &str| *try_layer(text, Mode::Add, &[], ignore).unwrap().digest();
    assert_eq!(digest(RULE, ""), digest(RULE, ""));
    assert_ne!(digest(RULE, ""), digest(&format!("{RULE}# more\n"), ""));
    assert_ne!(digest(RULE, ""), digest(RULE, "a:acme:1"));
}
