//! What a finding's identity survives, shown on whole files: moving, indenting, reordering, line ends, renaming, another value.

use penstock::analyze::secrets::{Engine, Reporter};
use penstock::checkout::Item;
use penstock_common::{Confidence, Fingerprints};
use proptest::prelude::*;

use crate::expand::expand;

/// Identities of everything found in a file, sorted.
fn identities(path: &str, text: &str) -> Vec<Fingerprints> {
    let engine = Engine::new([1; 16], 1_800_000_000, &[]);
    let mut reporter = Reporter::new(Confidence::Medium);
    let item = Item { path: path.as_bytes(), bytes: text.as_bytes(), lines: None, commit: None };
    reporter.scan(&mut engine.scanner(), &item);
    let mut found: Vec<Fingerprints> = reporter.found.into_iter().map(|found| found.finding.fingerprints).collect();
    found.sort();
    found
}

/// No two of them belong together: a kind that is known by a vendor named nearby hangs on what stands there.
const TEMPLATES: &[&str] = &[
    "github_token = \"ghp_{{alnum:36}}\"",
    "password: {{lower:4}}{{digit:3}}!{{upper:5}}",
    "aws_secret_access_key = {{b64:40}}",
    "url = \"postgres://app:{{alnum:18}}@db.internal/app\"",
    "-H 'Authorization: Bearer {{alnum:40}}'",
    "cookie_secret = \"{{hex:32}}\"",
];

/// Some lines with a secret each, some without.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let secret = (0..TEMPLATES.len(), any::<u64>()).prop_map(|(template, seed)| expand(TEMPLATES[template], seed));
    let plain = "[a-z ]{0,30}";
    proptest::collection::vec(prop_oneof![secret, plain.prop_map(|text| text)], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn place_and_white_space_leave_no_trace(lines in lines(), above in 0usize..5, indent in 0usize..9) {
        let plain = identities("a/b.txt", &lines.join("\n"));
        let moved: String = "\n".repeat(above) + &lines.iter().map(|line| " ".repeat(indent) + line).collect::<Vec<_>>().join("\r\n") + "\r\n";
        prop_assert_eq!(identities("a/b.txt", &moved), plain);
    }

    #[test]
    fn order_leaves_no_trace(lines in lines(), seed in any::<u64>()) {
        let plain = identities("a/b.txt", &lines.join("\n"));
        let mut shuffled = lines;
        let mut noise = crate::expand::Noise(seed);
        for at in (1..shuffled.len()).rev() {
            shuffled.swap(at, noise.below(at + 1));
        }
        prop_assert_eq!(identities("a/b.txt", &shuffled.join("\n")), plain);
    }

    #[test]
    fn renaming_changes_only_what_holds_the_path(lines in lines()) {
        let text = lines.join("\n");
        let path_free = |found: Vec<Fingerprints>| {
            let mut ids: Vec<_> = found.into_iter().map(|f| f.path_free).collect();
            ids.sort();
            ids
        };
        prop_assert_eq!(path_free(identities("a/b.txt", &text)), path_free(identities("c/d.txt", &text)));
    }

    #[test]
    fn the_value_leaves_no_trace(template in 0..TEMPLATES.len(), one in any::<u64>(), other in any::<u64>()) {
        let of = |seed| identities("a/b.txt", &expand(TEMPLATES[template], seed));
        let (a, b) = (of(one), of(other));
        // Now and then random letters make a word, and no finding.
        if a.len() == b.len() {
            prop_assert_eq!(a, b);
        }
    }
}
