//! Comments that allow: what they cover, how many findings they allow, and which tools they may
//! belong to.

use penstock::analyze::secrets::{Engine, Reporter};
use penstock::checkout::Item;
use penstock_common::Confidence;
use serde_json::Value;

use crate::expand::expand;
use crate::folder::{Folder, token};
use crate::run::Penstock;

/// The text with a secret for each `{1}` … `{9}`, and the lines of those that count.
fn counted(path: &str, text: &str) -> Vec<u32> {
    let text = (1..10).fold(text.to_owned(), |text, seed| text.replace(&format!("{{{seed}}}"), &token(seed)));
    let engine = Engine::new([1; 16], 1_767_322_800, &[]);
    let mut reporter = Reporter::new(Confidence::Medium);
    let item = Item { path: path.as_bytes(), bytes: text.as_bytes(), lines: None, commit: None };
    reporter.scan(&mut engine.scanner(), &item);
    let active = reporter.found.iter().filter(|found| found.finding.is_active());
    active.map(|found| found.finding.location.start_line).collect()
}

#[test]
fn a_comment_covers_its_line_or_the_statement_after_it() {
    for (path, text, expected) in [
        ("a.py", "token = '{1}'  # penstock: allow used in a test\ntoken = '{2}'\n", vec![2]),
        ("a.py", "# penstock: allow used in a test\ntoken = '{1}'\ntoken = '{2}'\n", vec![3]),
        ("a.py", "# penstock: allow[gitlab-pat]\ntoken = '{1}'\ntoken = '{2}'\n", vec![3]),
        ("a.py", "# penstock: allow\n# of the sample\n\ntoken = '{1}'\ntoken = '{2}'\n", vec![5]),
        ("a.py", "x = 1  # penstock: allow[gitlab-pat]\ntoken = '{1}'\n", vec![2]),
        ("a.sh", "# penstock: allow[gitlab-pat]\nrun --name x \\\n  --token {1} \\\n  --other {2}\nrun {3}\n", vec![5]),
        ("a.js", "// penstock: allow[gitlab-pat]\nconnect(\n  '{1}',\n  '{2}',\n);\nlet token = '{3}';\n", vec![6]),
        ("a.js", "// penstock: allow[gitlab-pat]\nconst keys = {\n  a: '{1}',\n};\nlet token = '{2}';\n", vec![5]),
        ("a.js", "// penstock: allow[gitlab-pat]\nfunction f() {\n  let token = '{1}';\n}\n", vec![3]),
        ("a.py", "# penstock: allow[gitlab-pat]\ntext = '''\n{1}\n'''\ntoken = '{2}'\n", vec![5]),
        ("a.yml", "# penstock: allow[gitlab-pat]\nkeys: |\n  {1}\n\n  {2}\nother: {3}\n", vec![6]),
        ("a.yml", "a:\n  # penstock: allow[gitlab-pat]\n  - keys: >-\n      {1}\n    other: {2}\n", vec![5]),
        ("a.sql", "/* penstock: allow */ SELECT '{1}';\nSELECT '{2}';\n", vec![2]),
        ("a.java", "/*\n * penstock: allow a sample\n */\nString a = \"{1}\";\nString b = \"{2}\";\n", vec![5]),
        ("a.xml", "<!-- penstock: allow[gitlab-pat] -->\n<token>\n  {1}\n</token>\n<token>{2}</token>\n", vec![5]),
        ("a.json", "{\n\"//\": \"penstock: allow[gitlab-pat]\",\n\"a\": \"{1}\",\n\"b\": \"{2}\"\n}\n", vec![4]),
        // In a commented-out line with a secret, the comment covers only that line.
        ("a.py", "# token = '{1}'  penstock: allow[gitlab-pat]\ntoken = '{2}'\n", vec![2]),
        ("a.py", "# penstock: allow\n# token = '{1}'\ntoken = '{2}'\n", vec![3]),
    ] {
        assert_eq!(counted(path, text), expected, "{text}");
    }
}

#[test]
fn a_comment_without_brackets_allows_the_first_finding_only() {
    for (text, expected) in [
        ("a('{1}', '{2}')  # penstock: allow\n", vec![1]),
        ("a('{1}', '{2}')  # penstock: allow[gitlab-pat]\n", vec![]),
        ("a('{1}', '{2}')  # gitleaks:allow\n", vec![1]),
        ("# penstock: allow\na('{1}', '{2}')\n", vec![2]),
        ("# penstock: allow one\na('{1}', '{2}')  # penstock: allow another\n", vec![]),
        // The comment on the line covers the line, and the one above the rest.
        ("# penstock: allow\na(\n  '{1}',  # penstock: allow\n  '{2}',\n)\n", vec![]),
        ("# penstock: allow\na(\n  '{1}',\n  '{2}',\n)\n", vec![4]),
    ] {
        assert_eq!(counted("a.py", text), expected, "{text}");
    }
}

#[test]
fn a_comment_within_the_secret_or_its_string_allows_nothing() {
    let password = expand("{{alnum:16}}", 4);
    let within = password.clone() + "#penstock:allow!";
    for text in [
        &format!("password = \"{within}\"\n"),
        "url = 'https://x/?private_token={1} # penstock: allow'\n",
        "token = '{1}&note=gitleaks:allow'\n",
    ] {
        assert_eq!(counted("a.py", text), [1], "{text}");
    }
    for (path, text) in [
        ("a.env", "PASSWORD={1} # penstock: allow a sample\n"),
        ("a.env", "PASSWORD=\"{1}\" # penstock: allow a sample\n"),
        ("a.env", "export PASSWORD='{1}'  # gitleaks:allow\n"),
        ("a.ini", "password = \"{1}\" ; penstock: allow[generic-password] a sample\n"),
        ("a.cfg", "password = '{1}' # pragma: allowlist secret\n"),
        ("a.py", "password = '{1}'  # see \"penstock: allow\"\n"),
        ("a.js", "/* \"penstock: allow\" */ const password = '{1}';\n"),
        ("a.json", "{\"//\": \"penstock: allow[generic-password]\", \"password\": \"{1}\"}\n"),
        ("a.json", "{\"password\": \"{1}\", \"//\" : \"gitleaks:allow\"}\n"),
    ] {
        assert_eq!(counted(path, &text.replace("{1}", &password)), [0_u32; 0], "{text}");
    }
    for end in ["\"#penstock: allow", " # penstock: allow\""] {
        let line = ["PASSWORD", "=\"", &password, end, "\n"].concat();
        assert_eq!(counted("a.env", &line), [1], "{end}");
    }
}

#[test]
fn a_comment_in_another_string_of_the_line_allows_nothing() {
    for text in [
        "token = '{1}'; x = '# penstock: allow[gitlab-pat]'\n",
        "x = \"# penstock: allow\"; token = \"{1}\"\n",
        "connect('{1}', note='penstock: allow a sample')\n",
        "token = '{1}'; x = '# nosec'\n",
        "token = '{1}'; x = `// gitleaks:allow`\n",
        "{\"token\": \"{1}\", \"note\": \"gitleaks:allow\"}\n",
        "x = 'https://x/'; y = '// penstock: allow'; token = '{1}'\n",
    ] {
        assert_eq!(counted("a.py", text), [1], "{text}");
    }
}

/// The text after a comment's mark is the reason, and may be code.
#[test]
fn a_reason_shows_no_secret_of_its_line() {
    let folder = Folder::new();
    for (number, text) in [
        "x = \"penstock: allow[generic-password] x\"; password = \"{1}\"\n",
        "x = 'penstock: allow x'; password = '{1}'; y = 'z'\n",
        "x = \"penstock: allow[a\"; password = \"{1}\"] x\n",
        "{\"//\": \"penstock: allow[generic-password]\", \"password\": \"{1}\"}\n",
        "/* penstock: allow x */ password = \"{1}\"\n",
        "/* penstock: allow[a */ password = \"{1}\"] x\n",
        "a = 1  # penstock: allow[generic-password] it's password = '{1}'\n",
    ]
    .into_iter()
    .enumerate()
    {
        let password = expand("{{alnum:24}}", number as u64);
        folder.write("a.py", text.replace("{1}", &password));
        for format in ["text", "json", "jsonl", "sarif", "junit", "markdown"] {
            let shown = Penstock::scan().args(["--format", format]).dir(folder.path()).run().stdout;
            assert!(!shown.contains(&password[4..12]), "{text} in {format}: {shown}");
        }
    }
}

#[test]
fn a_comment_at_either_half_covers_a_pair() {
    let (id, secret) = ("aws_access_key_id = AKIA{{b32:16}}", "aws_secret_access_key = {{b64:40}}");
    let comment = "# penstock: allow a sample";
    for text in [
        format!("{id}  {comment}\n{secret}\n"),
        format!("{id}\n{secret}  {comment}\n"),
        format!("{comment}\n{id}\n{secret}\n"),
        format!("{id}\n{comment}\n{secret}\n"),
        format!("{id}\n{secret}  # penstock: allow[aws-secret-access-key]\n"),
        format!("{id}\n{secret}  # penstock: allow[aws-access-token]\n"),
        format!("{id}  # nosec\n{secret}\n"),
    ] {
        assert_eq!(counted("a.ini", &expand(&text, 1)), [0_u32; 0], "{text}");
    }
    // A second secret under the id is a second finding.
    let two = format!("{id}\n{secret}  {comment}\n{}\n", secret.replace("aws_", "AWS_"));
    assert_eq!(counted("a.ini", &expand(&two, 1)), [1]);
}

#[test]
fn an_unknown_rule_is_reported_with_its_place() {
    let folder = Folder::new();
    folder.write("src/a.py", format!("\ntoken = '{}'  # penstock: allow[gitlab-pxat, jwt] a sample\n", token(1)));
    let report = Penstock::scan().dir(folder.path()).run().json();
    let notice = &report["notices"][0];
    assert_eq!(notice["subject"], "src/a.py:2");
    let text = notice["text"].as_str().unwrap();
    assert_eq!(text, "a comment allows `gitlab-pxat`, and there is no such rule; did you mean `gitlab-pat`?");
    assert_eq!(report["notices"].as_array().unwrap().len(), 1);
    assert!(report["findings"][0]["suppression"].is_null());
    folder.write("src/a.py", format!("\ntoken = '{}'  # penstock: allow[gitlab-pat] a sample\n", token(1)));
    assert!(Penstock::scan().dir(folder.path()).run().json()["notices"].is_null());
}

#[test]
fn a_reason_may_be_required() {
    let folder = Folder::new();
    folder.write("penstock.toml", "[allow]\nrequire-reason = true\n");
    let cases = [
        ("a", "# penstock: allow a sample", true),
        ("b", "# penstock: allow", false),
        ("c", "# penstock: allow[gitlab-pat]", false),
        ("d", "# penstock: allow[gitlab-pat]: a sample", true),
        ("e", "# penstock: allow --", false),
        ("f", "# gitleaks:allow", false),
    ];
    for (name, comment, _) in cases {
        folder.write(name, format!("token = '{}'  {comment}\n", token(1)));
    }
    let report = Penstock::scan().dir(folder.path()).run().json();
    for (finding, (name, comment, is_allowed)) in report["findings"].as_array().unwrap().iter().zip(cases) {
        assert_eq!(finding["location"]["path"], name);
        assert_eq!(!finding["suppression"].is_null(), is_allowed, "{comment}");
        assert_eq!(finding["message"].as_str().unwrap().contains("gives no reason"), !is_allowed, "{comment}");
    }
}

const OTHERS: [(&str, &str); 9] = [
    ("# pragma: allowlist secret", "detect-secrets"),
    ("// pragma: allowlist secret", "detect-secrets"),
    ("# nosec", "bandit"),
    ("# nosec B105", "bandit"),
    ("// #nosec G101", "gosec"),
    ("# trufflehog:ignore", "trufflehog"),
    ("# betterleaks:allow", "betterleaks"),
    ("# ggignore", "ggshield"),
    ("# gitleaks:allow", "gitleaks"),
];

#[test]
fn comments_of_other_tools_count_and_can_be_switched_off() {
    let folder = Folder::repository();
    folder.commit("empty");
    for (at, (comment, _)) in OTHERS.iter().enumerate() {
        folder.write(format!("{at}"), format!("token = '{}'  {comment}\n", token(at as u64)));
    }
    folder.write("next", format!("# pragma: allowlist nextline secret\ntoken = '{}'\n", token(99)));
    let scan = || Penstock::scan().args(["--base", "HEAD"]).dir(folder.path()).run();
    let told = scan();
    let report = told.json();
    let findings = report["findings"].as_array().unwrap();
    let reasons: Vec<&Value> = findings.iter().map(|one| &one["suppression"]["reason"]).collect();
    let expected: Vec<&str> = OTHERS.iter().map(|(_, tool)| *tool).chain(["detect-secrets"]).collect();
    assert_eq!(reasons, expected);
    assert!(findings.iter().all(|one| one["suppression"]["kind"] == "inline" && one["change"] == "new"));
    let allowed = report["gate"]["conditions"].as_array().unwrap().iter().find(|one| one["name"] == "new.allowed");
    assert_eq!(allowed.unwrap()["value"], 10.0, "{allowed:?}");
    assert_eq!(told.code, 0);
    folder.write("penstock.toml", "[allow]\ntools = [\"bandit\"]\n");
    let allowed: Vec<String> = scan().findings().into_iter().filter(|one| one.starts_with('(')).collect();
    assert_eq!(allowed, ["(2:1 gitlab-pat)", "(3:1 gitlab-pat)"]);
    folder.write("penstock.toml", "[allow]\ntools = []\n");
    assert!(scan().findings().iter().all(|one| !one.starts_with('(')));
}

#[test]
fn words_like_those_comments_allow_nothing() {
    for comment in ["# nosec B602", "# noqa: S105", "nosec", "# nosecret", "# penstock: allowed", "# gitleaks:allowed"]
    {
        assert_eq!(counted("a.py", &format!("token = '{{1}}'  {comment}\n")), [1], "{comment}");
    }
    // Only ours covers what follows; the others are read as their own tools read them.
    assert_eq!(counted("a.py", "# gitleaks:allow\ntoken = '{1}'\n"), [2]);
}
