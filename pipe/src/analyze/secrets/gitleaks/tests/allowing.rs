//! Allowlists, comments and `.gitleaksignore`.

use SuppressionKind::{GitleaksAllowlist, GitleaksIgnore, Inline};

use super::*;

const RULE: &str = "[[rules]]\nid = 'acme'\nregex = 'key=(acme_[a-z0-9]{8})'\n";
const TEXT: &str = "# sample\nkey=acme_q7w3e9r1 # sample\n";

/// How the finding in `TEXT` fares under an allowlist of its rule.
fn fate(list: &str) -> Option<SuppressionKind> {
    let old = format!("{RULE}[rules.allowlist]\n{list}\n");
    let new = format!("{RULE}[[rules.allowlists]]\n{list}\n");
    let global = format!("[[allowlists]]\n{list}\ntargetRules = ['acme']\n{RULE}");
    let id = commit("AbCd");
    let fates: Vec<_> = [old, new, global]
        .iter()
        .map(|config| kinds(&findings_in(layer(config), "src/a.py", TEXT, Some(&id)))[0])
        .collect();
    assert!(fates.windows(2).all(|pair| pair[0] == pair[1]), "{list}: {fates:?}");
    fates[0]
}

#[test]
fn each_criterion_allows() {
    assert_eq!(fate("regexes = ['q7w3']"), Some(GitleaksAllowlist));
    assert_eq!(fate("regexes = ['^key']"), None);
    assert_eq!(fate("regexTarget = 'secret'\nregexes = ['^acme']"), Some(GitleaksAllowlist));
    assert_eq!(fate("regexTarget = 'match'\nregexes = ['^key=']"), Some(GitleaksAllowlist));
    assert_eq!(fate("regexTarget = 'match'\nregexes = ['sample']"), None);
    assert_eq!(fate("regexTarget = 'line'\nregexes = ['sample$']"), Some(GitleaksAllowlist));
    assert_eq!(fate("stopwords = ['ACME_Q']"), Some(GitleaksAllowlist));
    assert_eq!(fate("regexTarget = 'line'\nstopwords = ['sample']"), None);
    assert_eq!(fate("paths = ['^src/']"), Some(GitleaksAllowlist));
    assert_eq!(fate("paths = ['^test/']"), None);
    assert_eq!(fate("commits = ['aBcD']"), Some(GitleaksAllowlist));
    assert_eq!(fate("commits = ['aBc']"), None);
}

#[test]
fn conditions_are_one_or_all() {
    for condition in ["OR", "or", "||", ""] {
        let list = format!("condition = '{condition}'\npaths = ['^src/']\nstopwords = ['never']");
        assert_eq!(fate(&list), Some(GitleaksAllowlist), "{condition}");
    }
    for condition in ["AND", "and", "&&"] {
        let list = |word: &str| format!("condition = '{condition}'\npaths = ['^src/']\nstopwords = ['{word}']");
        assert_eq!(fate(&list("never")), None, "{condition}");
        assert_eq!(fate(&list("acme")), Some(GitleaksAllowlist), "{condition}");
    }
}

#[test]
fn a_list_for_all_rules_holds_for_built_in_ones_too() {
    let text = "db_password = \"q7W3e9-r1Tz!mK5\"\n";
    let none = layer("title = 'empty'");
    let found = findings(none, "app.py", text);
    assert_eq!(kinds(&found), [None], "{found:?}");
    for list in ["[allowlist]\nregexes = ['r1Tz']", "[[allowlists]]\nregexTarget = 'line'\nregexes = ['^db_']"] {
        let found = findings(layer(&format!("{list}\ndescription = 'known'\n")), "app.py", text);
        assert_eq!(kinds(&found), [Some(GitleaksAllowlist)], "{list}");
        assert_eq!(found[0].suppression.as_ref().unwrap().reason, "known");
    }
    let id = found[0].rule.clone();
    let own = format!(
        "[[rules]]\nid = '{id}'\n[[rules.allowlists]]\nregexTarget = 'match'\nregexes = ['^db_password = .q7']\n"
    );
    assert_eq!(kinds(&findings(layer(&own), "app.py", text)), [Some(GitleaksAllowlist)]);
    let other = "[[allowlists]]\ntargetRules = ['jwt']\nregexes = ['r1Tz']\n";
    assert_eq!(kinds(&findings(layer(other), "app.py", text)), [None]);
}

#[test]
fn paths_and_commits_of_a_list_for_all_rules_leave_out_whole_files() {
    let layer = layer(
        "[[allowlists]]\npaths = ['^vendor/']\ncommits = ['beef']\n[[allowlists]]\ncondition = 'AND'\npaths = ['^docs/']\nstopwords = ['x']\n[[allowlists]]\ncondition = 'AND'\npaths = ['^old/']\ncommits = ['dead']\n[[allowlists]]\npaths = ['^lib/']\ntargetRules = ['jwt']\n",
    );
    assert!(layer.covers(b"vendor/a", None));
    assert!(layer.covers(b"src/a", Some("BEEF")));
    assert!(!layer.covers(b"docs/a", None), "it asks for more than a path");
    assert!(!layer.covers(b"old/a", None));
    assert!(layer.covers(b"old/a", Some("dead")));
    assert!(!layer.covers(b"lib/a", None), "it is for one rule");
    assert!(!layer.covers(b"src/a", Some("other")));
}

#[test]
fn what_a_rule_of_the_configuration_allows_does_not_cover_what_ours_find() {
    let config = "[[rules]]\nid = 'everything'\nregex = '.+'\n[[rules.allowlists]]\nregexes = ['.*']\n";
    let found = findings(layer(config), "app.py", "db_password = \"q7W3e9-r1Tz!mK5\"\n");
    assert_eq!(active(&found).len(), 1, "{found:?}");
    assert_ne!(found.iter().find(|f| f.is_active()).unwrap().rule, "everything");
}

#[test]
fn comments_allow_findings_of_the_configuration_too() {
    let allowed = |comment: &str| kinds(&findings(layer(RULE), "a", &format!("key=acme_q7w3e9r1 {comment}\n")))[0];
    assert_eq!(allowed("# gitleaks:allow"), Some(Inline));
    assert_eq!(allowed("# penstock: allow[acme] sample"), Some(Inline));
    assert_eq!(allowed("# penstock: allow[other] sample"), None);
    assert_eq!(allowed(""), None);
}

#[test]
fn ignored_places_are_suppressed_and_named() {
    let fate = |ignore: &str, text: &str| {
        let config = "[[rules]]\nid = 'acme'\nregex = 'begin\\s+(acme_[a-z0-9]{8})'\n";
        let found = findings(try_layer(config, Mode::Add, &[], ignore).unwrap(), "src/a.txt", text);
        (kinds(&found)[0], found[0].suppression.as_ref().map(|s| s.reason.clone()).unwrap_or_default())
    };
    let text = "\nbegin\n  acme_q7w3e9r1\n";
    // gitleaks names the line of the match; the line of the secret does as well.
    assert_eq!(fate("# mine\nsrc\\a.txt:acme:2\n", text), (Some(GitleaksIgnore), ".gitleaksignore:2".into()));
    assert_eq!(fate("src/a.txt:acme:3", text).0, Some(GitleaksIgnore));
    assert_eq!(fate("src/a.txt:acme:1", text).0, None);
    assert_eq!(fate("src/a.txt:other:2", text).0, None);
    assert_eq!(fate("beef:src/a.txt:acme:2", text).0, None);
}

#[test]
fn ignored_places_match_commits_and_built_in_rules() {
    let text = "db_password = \"q7W3e9-r1Tz!mK5\"\n";
    let id = commit("beef");
    let rule = findings(layer(""), "a.py", text)[0].rule.clone();
    let fate = |ignore: String, commit| {
        kinds(&findings_in(try_layer("", Mode::Add, &[], &ignore).unwrap(), "a.py", text, commit))[0]
    };
    assert_eq!(fate(format!("beef:a.py:{rule}:1"), Some(&id)), Some(GitleaksIgnore));
    assert_eq!(fate(format!("a.py:{rule}:1"), Some(&id)), Some(GitleaksIgnore));
    assert_eq!(fate(format!("dead:a.py:{rule}:1"), Some(&id)), None);
}
