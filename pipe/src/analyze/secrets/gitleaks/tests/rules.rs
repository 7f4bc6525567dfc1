//! Rules: what is found, and where.

use penstock_common::Severity;

use super::*;

const PLAIN: &str = "[[rules]]\nid = 'acme'\ndescription = 'Acme token'\nregex = 'acme_[a-z0-9]{8}'\n";

#[test]
fn a_rule_finds_and_its_secret_is_hidden() {
    let found = findings(layer(PLAIN), "a.txt", "one\n  x: acme_q7w3e9r1 # note\nthree acme_zzzzzzz2\n");
    assert_eq!(active(&found), [("acme", 2), ("acme", 3)]);
    let first = &found[0];
    assert_eq!(
        (first.title.as_str(), first.severity, first.confidence),
        ("Acme token", Severity::High, Confidence::Medium)
    );
    assert_eq!(first.masked.as_deref(), Some("••••••••"));
    assert_eq!(first.location.start_column, 6);
    let shown = format!("{found:?}");
    assert!(!shown.contains("q7w3e9r1") && !shown.contains("zzzzzzz2"), "{shown}");
    assert_ne!(found[0].fingerprints, found[1].fingerprints);
}

#[test]
fn tags_may_name_a_severity() {
    let found = findings(layer(&format!("{PLAIN}tags = ['team-x', 'Critical']\n")), "a", "acme_q7w3e9r1");
    assert_eq!(found[0].severity, Severity::Critical);
}

#[test]
fn keywords_decide_whether_a_rule_runs() {
    let with = |keywords: &str| layer(&format!("[[rules]]\nid = 'k'\nregex = '[0-9]{{6}}'\nkeywords = [{keywords}]\n"));
    assert_eq!(findings(with("'PinCode'"), "a", "the pincode is 491827").len(), 1);
    assert_eq!(findings(with("'pincode'"), "a", "the PINCODE is 491827").len(), 1);
    assert_eq!(findings(with("'pincode', 'other'"), "a", "an OTHER 491827").len(), 1);
    assert_eq!(findings(with("'pincode'"), "a", "number 491827").len(), 0);
    assert_eq!(findings(with(""), "a", "number 491827").len(), 1);
    // One keyword within another.
    let two = "[[rules]]\nid = 'a'\nregex = '[0-9]{6}'\nkeywords = ['pin']\n[[rules]]\nid = 'b'\nregex = 'x{9}'\nkeywords = ['pincode']\n";
    assert_eq!(active(&findings(layer(two), "a", "pincode 491827 xxxxxxxxx")), [("a", 1), ("b", 1)]);
}

#[test]
fn the_secret_is_the_named_group_or_the_first_that_holds_something() {
    let column = |regex: &str, group: &str| {
        let config = format!("[[rules]]\nid = 'g'\nregex = '{regex}'\n{group}\n");
        let found = findings(layer(&config), "a", "..zq=AAA-BBB..");
        found.first().map(|f| (f.location.start_column, f.location.end_column))
    };
    assert_eq!(column("zq=[A-Z]+-[A-Z]+", ""), Some((3, 13)));
    assert_eq!(column("zq=([A-Z]+)-([A-Z]+)", ""), Some((6, 9)));
    assert_eq!(column("zq=(x*)[A-Z]+-([A-Z]+)", ""), Some((10, 13)));
    assert_eq!(column("zq=([A-Z]+)-([A-Z]+)", "secretGroup = 2"), Some((10, 13)));
    assert_eq!(column("zq=([A-Z]+)-([A-Z]+)", "secretgroup = 0"), Some((6, 9)));
    // A group that is named and empty leaves nothing to report.
    assert_eq!(column("zq=(x*)([A-Z]+)", "secretGroup = 1"), None);
}

#[test]
fn entropy_must_be_greater() {
    let with = |entropy: &str| layer(&format!("[[rules]]\nid = 'e'\nregex = 'v=([a-d]{{4}})'\nentropy = {entropy}\n"));
    assert_eq!(findings(with("1.99"), "a", "v=abcd").len(), 1);
    assert_eq!(findings(with("2"), "a", "v=abcd").len(), 0);
    assert_eq!(findings(with("0.5"), "a", "v=aaaa").len(), 0);
    assert_eq!(findings(with("0"), "a", "v=aaaa").len(), 1);
}

#[test]
fn a_path_restricts_a_rule_or_is_the_whole_rule() {
    let both = format!("{PLAIN}path = '\\.conf$'\n");
    assert_eq!(findings(layer(&both), "x.conf", "acme_q7w3e9r1").len(), 1);
    assert_eq!(findings(layer(&both), "x.txt", "acme_q7w3e9r1").len(), 0);
    let alone = "[[rules]]\nid = 'keyfile'\npath = '''(^|/)deploy\\.key$'''\n";
    let found = findings(layer(alone), "ops/deploy.key", "line\nline\n");
    assert_eq!(active(&found), [("keyfile", 1)]);
    assert_eq!(found[0].message, "file detected: ops/deploy.key");
    assert_eq!((&found[0].masked, &found[0].excerpt), (&None, &None));
    assert_eq!(findings(layer(alone), "ops/deploy.keys", "line\n").len(), 0);
    // Content of which nobody knows the path might be such a file.
    let engine = Engine::new([7; 16], 0, &[]).with_layer(Some(Arc::new(layer(alone))));
    assert!(Reporter::new(Confidence::Medium).would_tell(&mut engine.scanner(), b"line"));
}

#[test]
fn a_file_that_is_reported_for_its_path_may_be_binary() {
    let alone = "[[rules]]\nid = 'keyfile'\npath = 'key$'\n";
    assert_eq!(active(&findings(layer(alone), "a.key", "\u{1}\0\u{2}\0\0x")), [("keyfile", 1)]);
}

fn composite(required: &str) -> String {
    format!(
        "[[rules]]\nid = 'id'\nregex = 'ID[0-9]{{4}}'\nskipReport = true\nkeywords = ['nowhere']\n\
         [[rules]]\nid = 'pair'\nregex = 'SEC[0-9]{{4}}'\n[[rules.required]]\nid = 'id'\n{required}\n"
    )
}

#[test]
fn required_rules_must_match_nearby() {
    let text = "ID1234\n\n   SEC5678\n";
    let count = |required: &str, text: &str| active(&findings(layer(&composite(required)), "a", text)).len();
    assert_eq!(count("", text), 1);
    assert_eq!(count("", "SEC5678"), 0);
    assert_eq!(count("withinLines = 2", text), 1);
    assert_eq!(count("withinLines = 1", text), 0);
    assert_eq!(count("withinColumns = 3", text), 1);
    assert_eq!(count("withinColumns = 2", text), 0);
    assert_eq!(count("withinLines = 2\nwithinColumns = 2", text), 0);
    // Each alone: only within both distances at once does a match count.
    assert_eq!(count("withinLines = 0\nwithinColumns = 3", "ID1111 SEC2222\n"), 0);
    assert_eq!(count("withinLines = 0\nwithinColumns = 7", "ID1111 SEC2222\n"), 1);
}

#[test]
fn auxiliary_rules_are_not_reported_but_hidden() {
    let found = findings(layer(&composite("")), "a", "ID1234 SEC5678\n");
    assert_eq!(active(&found), [("pair", 1)]);
    assert!(!format!("{found:?}").contains("ID1234"));
    assert!(findings(layer(&composite("")), "a", "ID1234\n").is_empty());
}

#[test]
fn another_value_of_a_required_rule_is_another_secret() {
    let engine =
        Engine::new([7; 16], 1_800_000_000, &[]).with_layer(Some(Arc::new(layer(&composite("withinLines = 1")))));
    let identity = |text: &str| {
        let mut reporter = Reporter::new(Confidence::Medium);
        let item = Item { path: b"a", bytes: text.as_bytes(), lines: None, commit: None };
        reporter.scan(&mut engine.scanner(), &item);
        reporter.found.iter().map(|found| found.identity).collect::<Vec<_>>()
    };
    let one = identity("ID1234 SEC5678\n");
    assert_eq!(one.len(), 1);
    assert_ne!(identity("ID9999 SEC5678\n"), one);
    assert_ne!(identity("ID1234 SEC9999\n"), one);
    assert_eq!(identity("\nSEC5678\n   ID1234\n"), one);
}

#[test]
fn an_allowed_match_is_no_required_one() {
    let config = composite("").replace("keywords = ['nowhere']\n", "[[rules.allowlists]]\nstopwords = ['1234']\n");
    assert!(active(&findings(layer(&config), "a", "ID1234 SEC5678")).is_empty());
    assert_eq!(active(&findings(layer(&config), "a", "ID9999 SEC5678")), [("pair", 1)]);
}

#[test]
fn built_in_rules_can_be_required() {
    let password = "db_password = \"q7W3e9-r1Tz!mK5\"\n";
    let id = findings(layer(""), "a.py", password)[0].rule.clone();
    let config = format!(
        "[[rules]]\nid = 'tenant'\nregex = 'tenant-[0-9]{{4}}'\n[[rules.required]]\nid = '{id}'\nwithinLines = 1\n"
    );
    let found = |text: &str| active(&findings(layer(&config), "a.py", text)).iter().any(|(id, _)| *id == "tenant");
    assert!(found(&format!("tenant-1234\n{password}")));
    assert!(!found(&format!("tenant-1234\n\n\n{password}")));
    assert!(!found("tenant-1234\n"));
}

#[test]
fn a_generic_rule_gives_way_to_a_specific_one() {
    let config = "[[rules]]\nid = 'my-generic'\nregex = 'key=([a-z0-9_]+)'\n".to_owned() + PLAIN;
    assert_eq!(active(&findings(layer(&config), "a", "key=acme_q7w3e9r1")), [("acme", 1)]);
    assert_eq!(active(&findings(layer(&config), "a", "key=other_q7w3e9r1")), [("my-generic", 1)]);
}

#[test]
fn decoded_text_is_looked_at_too() {
    // "token is acme_q7w3e9r1 ok" in base64
    let found = findings(layer(PLAIN), "a.txt", "data: dG9rZW4gaXMgYWNtZV9xN3czZTlyMSBvaw==\n");
    assert_eq!(active(&found), [("acme", 1)]);
    assert_eq!(found[0].decoded_from.as_deref(), Some("base64"));
    // What stands there plainly is found plainly, once, whatever escapes stand beside it.
    let found = findings(layer(PLAIN), "a.txt", "q=a%20b acme_q7w3e9r1\n");
    assert_eq!((found.len(), found[0].decoded_from.as_deref()), (1, None));
}

#[test]
fn matches_are_found_wherever_long_texts_are_cut() {
    for at in [(256 << 10) - 4, 256 << 10, (512 << 10) - 12] {
        let mut text = ".".repeat(at);
        text.push_str("acme_q7w3e9r1");
        text.push_str(&".".repeat(300 << 10));
        assert_eq!(findings(layer(PLAIN), "a", &text).len(), 1, "{at}");
    }
}

#[test]
fn work_is_bounded_and_what_is_cut_is_told() {
    // Every match makes the search look at all that follows.
    let config = "[[rules]]\nid = 'slow'\nregex = 'a(?:.|\\n)*?z9|a'\n";
    let engine = Engine::new([7; 16], 0, &[]).with_layer(Some(Arc::new(layer(config))));
    let mut reporter = Reporter::new(Confidence::Medium);
    let text = "a".repeat(400 << 10);
    let item = Item { path: b"a.txt", bytes: text.as_bytes(), lines: None, commit: None };
    reporter.scan(&mut engine.scanner(), &item);
    assert_eq!(reporter.notices.len(), 1);
    assert!(reporter.notices[0].reason.contains("`slow`") && reporter.notices[0].by_limit);
}

#[test]
fn a_configuration_is_not_searched_for_its_own_rules() {
    let mut layer = layer(PLAIN);
    layer.own_path = Some(b".gitleaks.toml".to_vec());
    assert!(findings(layer, ".gitleaks.toml", "stopwords = ['acme_q7w3e9r1']").is_empty());
}

#[test]
fn the_words_of_a_configuration_are_made_fit_to_be_shown() {
    let config =
        "[[rules]]\nid = \"ac\\u001bme\"\ndescription = \"as acme_q7w3e9r1\\u0007\"\nregex = 'acme_[a-z0-9]{8}'\n";
    let found = findings(layer(config), "a", "acme_q7w3e9r1 # penstock: allow acme_q7w3e9r1");
    assert_eq!(found[0].rule, "ac\\x1bme");
    let shown = format!("{found:?}");
    assert!(!shown.contains("q7w3e9r1") && !shown.contains('\u{7}'), "{shown}");
}
