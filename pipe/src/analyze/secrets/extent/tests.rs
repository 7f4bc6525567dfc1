//! No tail of a value is shown: tables of known cases, and random values in every notation.

use penstock_common::{Confidence, Finding};
use proptest::prelude::*;

use super::Notation;
use crate::analyze::secrets::{Candidate, Engine, Found, Reporter};
use crate::checkout::Item;

fn engine() -> Engine {
    Engine::new([7; 16], 0, &vec![true; crate::analyze::secrets::rule::builtin().len()])
}

fn candidates(path: &str, text: &str) -> Vec<Candidate> {
    engine().scanner().scan(Some(path.as_bytes()), text.as_bytes()).to_vec()
}

fn found(path: &str, text: &str) -> Vec<Found> {
    let engine = engine();
    let mut reporter = Reporter::new(Confidence::Low);
    reporter.scan(
        &mut engine.scanner(),
        &Item { path: path.as_bytes(), bytes: text.as_bytes(), lines: None, commit: None },
    );
    reporter.found
}

/// All text that the report shows.
fn shown(finding: &Finding) -> String {
    let lines = finding.excerpt.iter().flat_map(|excerpt| excerpt.lines.iter().map(|line| line.text.as_str()));
    lines.chain([finding.message.as_str()]).collect::<Vec<_>>().join("\n")
}

/// A random value; the tests put a separator between its two parts.
const HEAD: &str = "Kw7rTq";
const TAIL: &str = "92mZx4";

#[test]
fn text_behind_any_separator_is_hidden_with_the_value() {
    for sign in [
        ";", ",", ")", "]", "}", "<", ">", "\"", "'", "`", "&", "|", "#", "=", ":", "(", "{", "[", "$", "\\", "@", "!",
        "?", "/",
    ] {
        let value = format!("{HEAD}{sign}{TAIL}");
        for (path, text) in [
            (".env", format!("DB_PASSWORD={value}\n")),
            (".env", format!("export DB_PASSWORD={value}  # rotated\n")),
            ("application.properties", format!("db.password = {value}\n")),
            ("settings.ini", format!("[db]\npassword = {value} ; remark\n")),
            ("application.yml", format!("db:\n  password: x{value}\n")),
            ("docker-compose.yml", format!("environment:\n  - DB_PASSWORD={value}\n")),
            ("notes.txt", format!("password={value}\n")),
            ("notes.txt", format!("it is password={value} for now\n")),
            ("deploy.sh", format!("DB_PASSWORD={value}\n")),
        ] {
            let found = found(path, &text);
            // After a word a bracket may be a call, if the notation has calls.
            let may_be_a_call =
                matches!(sign, "(" | "[" | "{" | "$") && !Notation::of(path.as_bytes()).has_whole_lines();
            assert!(!found.is_empty() || may_be_a_call, "nothing found in {path}: {text}");
            for one in &found {
                let shown = shown(&one.finding);
                assert!(
                    !shown.contains(&TAIL[1..]) && !shown.contains(&HEAD[1..]),
                    "{path}: {text} is shown as {shown}"
                );
            }
        }
    }
}

#[test]
fn values_are_hidden_completely_in_every_notation() {
    for (path, text) in [
        ("a.json", r#"{"password": "HEAD\"TAIL\\"}"#),
        ("a.json", r#"{"Env": ["DB_PASSWORD=HEAD;TAIL", "X=1"]}"#),
        ("a.json", r#"{"body": "{\"password\": \"HEAD\\\"TAIL\"}"}"#),
        ("a.yml", "password: 'HEAD''TAIL'\n"),
        ("a.yml", "password: \"HEAD\\\"TAIL\"\n"),
        ("a.yml", "password: |-\n  HEAD\n  TAIL\nuser: x\n"),
        ("a.yml", "password: >\n  HEAD\n\n  TAIL\n"),
        ("a.yml", "password: HEAD\n  TAIL\nuser: x\n"),
        ("a.yml", "db: {user: x, password: HEAD;TAIL}\n"),
        ("a.yml", "password: &main HEAD'TAIL\n"),
        ("a.yml", "password: HEAD=TAIL\n"),
        ("a.properties", "password=HEAD\\\n    TAIL\n"),
        ("a.ini", "password = HEAD\n    TAIL\n"),
        ("a.ini", "password = \"HEAD\"TAIL\n"),
        (".env", "DB_PASSWORD='HEAD\\'TAIL'\n"),
        (".env", "DB_PASSWORD==HEAD;TAIL\n"),
        ("a.toml", "password = '''HEAD'TAIL'''\n"),
        ("a.xml", "<password>HEAD]TAIL</password>"),
        ("a.xml", "<password><![CDATA[HEAD]>TAIL]]></password>"),
        ("a.xml", "<password><![CDATA[HEAD]]]]><![CDATA[>TAIL]]></password>"),
        ("a.xml", r#"<add key="DbPassword" value="HEAD'TAIL"/>"#),
        ("a.sql", "ALTER USER x IDENTIFIED BY 'HEAD''TAIL';"),
        ("a.sql", "INSERT INTO users (name, password) VALUES ('x', 'HEAD''TAIL');"),
        ("a.sh", r#"DB_PASSWORD='HEAD'"'"'TAIL'"#),
        ("a.sh", "mysql --password 'HEAD TAIL' db\n"),
        ("a.sh", "curl -u 'admin:HEAD;TAIL' https://x.internal\n"),
        ("a.sh", "sshpass -p HEAD\\;TAIL ssh h\n"),
        ("a.sh", "export DATABASE_URL=postgres://u:HEAD;TAIL@h/db\n"),
        ("a.sh", "export DATABASE_URL=postgres://u:HEAD,TAIL@h/db\n"),
        ("a.sh", "export DATABASE_URL='postgres://u:HEAD(TAIL@h/db'\n"),
        ("a.sh", "export DATABASE_URL=postgres://u:HEAD@x/TAIL@h/db\n"),
        ("a.py", "password = 'HEAD' + 'TAIL'\n"),
        ("a.py", "password = ('HEAD'\n    'TAIL')\n"),
        ("a.py", "password = b'HEAD\\'TAIL'\n"),
        ("a.js", "const password = 'HEAD' +\n  'TAIL';\n"),
        ("a.js", "const password = 'HEAD' + f(x) + 'TAIL';\n"),
        ("A.cs", "string password = @\"HEAD\"\"TAIL\";\n"),
        ("A.cs", "var c = \"Server=x;Password=HEAD,TAIL;Encrypt=true\";\n"),
        ("A.vb", "Dim password As String = \"HEAD\" & _\n  \"TAIL\"\n"),
        ("a.ps1", "$password = 'HEAD''TAIL'\n"),
        ("a.php", "$password = 'HEAD' . 'TAIL';\n"),
        ("a.rs", "let password = r#\"HEAD\"TAIL\"#;\n"),
        ("a.go", "dsn := \"root:HEAD=x:TAIL@tcp(h)/db\"\n"),
        (".netrc", "machine h login u password HEAD;TAIL\n"),
        ("redis.conf", "masterauth HEAD;TAIL\n"),
        ("Dockerfile", "ENV DB_PASSWORD HEAD;TAIL\n"),
        ("x.http", "Authorization: Bearer HEADHEADHEAD12;TAIL\n"),
        ("a.txt", "mongodb://u:HEAD|TAIL@h1,h2/db\n"),
        ("a.c", "char *password = \"HEAD42\" \"TAIL\";\n"),
        ("a.c", "const char *password = R\"x(HEAD4z\"TAIL)x\";\n"),
        ("a.c", "#define DB_PASSWORD HEAD4z\\\nTAIL\n"),
        ("a.m", "NSString *password = @\"HEAD42\" @\"TAIL\";\n"),
        ("a.R", "password = r\"(HEAD42\"TAIL)\"\n"),
        ("a.dart", "final password = 'HEAD42' 'TAIL';\n"),
        ("a.ex", "config :a, password: \"HEAD42\" <> \"TAIL\"\n"),
        ("a.hs", "password = \"HEAD42\" ++ \"TAIL\"\n"),
        ("a.rb", "password = \"HEAD42\" << \"TAIL\"\n"),
        ("a.py", "password = \"%s42TAIL\" % \"HEAD42\"\n"),
        ("a.py", "password = \"HEAD42\".replace(\"x\", \"TAIL\")\n"),
        ("a.py", "passwords = [\"HEAD42\",\n  \"TAIL\",\n]\n"),
        ("a.ts", "const password = \"HEAD42\" as string + \"TAIL\";\n"),
        ("a.json", "{\"password\": [\"HEAD42\", \"TAIL\"]}\n"),
        ("a.yml", "password: [\"HEAD42\", \"TAIL\"]\n"),
        ("a.java", "char[] password = {'HEAD42', 'TAIL'};\n"),
        ("a.ps1", "$password = \"HEAD42`\"TAIL\"\n"),
        ("a.sql", "password := q'[HEAD42'TAIL]';\n"),
        ("a.vb", "password = \"HEAD42\" & _\r\n  \"TAIL\"\r\n"),
        ("a.sh", "DB_PASSWORD=HEAD42\\\r\nTAIL\r\n"),
        (".env", "DB_PASSWORD=\"HEAD42\nTAIL\"\n"),
        (".env", "DB_PASSWORD='HEAD42\r\n\r\nTAIL'\r\n"),
        ("a.sql", "INSERT INTO users (password, age) VALUES ('HEAD42', 1), ('TAIL8kQv', 2);\n"),
        ("a.sql", "INSERT INTO users (age, password) VALUES (NOW(), 'HEAD42'),\n (NOW(), 'TAIL8kQv'),\n (1, 'x');\n"),
        (".env", "export DB_PASSWORD = `HEAD42\nTAIL`\n"),
        ("a.ini", "password = \"HEAD42\nTAIL\"\n"),
        (".gitconfig", "[x]\npassword = HEAD42 \\\nTAIL\n"),
        ("a.sh", "PASSWORDS=('HEAD42' \"TAIL\")\n"),
        ("a.sql", "UPDATE u SET password='HEAD42'\n'TAIL';\n"),
        ("a.xml", "<password><![CDATA[HEAD42]]>TAIL</password>\n"),
        ("a.java", "connection.login(\"u\", \"HEAD42\" + \"TAIL\");\n"),
        ("Dockerfile", "ENV DB_PASSWORD \"HEAD42\" \"TAIL\"\n"),
        ("a.rs", "let password = \"HEAD42\".to_owned() + \"TAIL\";\n"),
        ("a.py", "password = (\"HEAD42\" if x else \"TAIL\")\n"),
        ("Makefile", "export DB_PASSWORD=HEAD42\\\n  TAIL\n"),
        ("a.txt", "GET /login?password=%22HEAD42%22TAIL&user=x\n"),
        ("a.txt", "GET /login?password=%27HEAD42%27%20TAIL\n"),
        ("a.py", "user, token = \"HEAD42xPq81\", \"TAIL\"\n"),
        ("a.go", "user, password := \"HEAD42\",\n\t\"TAIL\"\n"),
        ("a.groovy", "password \"HEAD42\", \"TAIL\"\n"),
        ("a.rb", "password 'HEAD42', 'x', 'TAIL'\n"),
    ] {
        let text = text.replace("HEAD", HEAD).replace("TAIL", TAIL);
        let found = found(path, &text);
        assert!(!found.is_empty(), "nothing found in {path}: {text}");
        for one in &found {
            let shown = shown(&one.finding);
            assert!(!shown.contains(&TAIL[1..]) && !shown.contains(&HEAD[1..]), "{path}: {text} is shown as {shown}");
        }
    }
}

#[test]
fn text_outside_the_value_is_shown() {
    for (path, text, rest) in [
        ("a.json", r#"{"password": "HEADTAIL", "user": "shopkeeper"}"#, "shopkeeper"),
        ("a.py", "login(password='HEADTAIL', user='shopkeeper')\n", "shopkeeper"),
        ("a.sh", "curl -u 'admin:HEADTAIL' https://shopkeeper.internal\n", "shopkeeper"),
        ("a.sh", "psql postgres://u:HEADTAIL@shopkeeper.internal/db\n", "shopkeeper"),
        ("A.cs", "var c = \"Server=x;Password=HEADTAIL;Encrypt=shopkeeper\";\n", "shopkeeper"),
        ("a.yml", "password: HEADTAIL # shopkeeper\n", "shopkeeper"),
        ("a.xml", "<password>HEADTAIL</password><user>shopkeeper</user>", "shopkeeper"),
        ("a.txt", "GET /login?password=%22HEADTAIL%22&user=shopkeeper\n", "shopkeeper"),
        ("a.txt", "GET /login?password=%22HEAD%22TAIL&user=shopkeeper\n", "shopkeeper"),
        ("a.py", "login(user, password = 'HEADTAIL', name = 'shopkeeper')\n", "shopkeeper"),
        ("a.groovy", "password 'HEADTAIL', user: 'shopkeeper'\n", "shopkeeper"),
    ] {
        let text = text.replace("HEAD", HEAD).replace("TAIL", TAIL);
        let found = found(path, &text);
        assert!(found.iter().any(|one| shown(&one.finding).contains(rest)), "{path}: {text}");
    }
}

/// How a value is written in a notation; none if it cannot be.
type Write = fn(&str) -> Option<String>;

fn bare(value: &str) -> bool {
    value.trim() == value && !value.starts_with(['"', '\'', '`', '#']) && !value.contains(" #")
}

/// For each file: the text around the value, and how the value is written.
const NOTATIONS: &[(&str, &str, Write)] = &[
    (".env", "DB_PASSWORD=VALUE\n", |value| bare(value).then(|| value.to_owned())),
    ("a.ini", "[a]\npassword = VALUE\n", |value| (bare(value) && !value.contains(" ;")).then(|| value.to_owned())),
    ("a.properties", "password=VALUE\n", |value| bare(value).then(|| value.replace('\\', "\\\\"))),
    ("a.yml", "password: 'VALUE'\n", |value| Some(value.replace('\'', "''"))),
    ("a.yml", "password: \"VALUE\"\n", |value| Some(value.replace('\\', "\\\\").replace('"', "\\\""))),
    ("a.yml", "a:\n  password: |-\n    VALUE\n", |value| (value.trim() == value).then(|| value.to_owned())),
    ("a.json", "{\"password\": \"VALUE\"}", |value| Some(value.replace('\\', "\\\\").replace('"', "\\\""))),
    ("a.toml", "password = '''VALUE'''\n", |value| (!value.contains('\'')).then(|| value.to_owned())),
    ("a.sh", "export DB_PASSWORD='VALUE'\n", |value| Some(value.replace('\'', "'\"'\"'"))),
    ("a.sql", "ALTER ROLE x PASSWORD 'VALUE';\n", |value| Some(value.replace('\'', "''"))),
    ("a.xml", "<password>VALUE</password>\n", |value| {
        Some(value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    }),
    ("a.xml", "<password><![CDATA[VALUE]]></password>\n", |value| Some(value.replace("]]>", "]]]]><![CDATA[>"))),
    ("a.java", "String password = \"VALUE\";\n", |value| Some(value.replace('\\', "\\\\").replace('"', "\\\""))),
    ("a.js", "const password = 'VALUE';\n", |value| Some(value.replace('\\', "\\\\").replace('\'', "\\'"))),
    ("a.go", "var password = `VALUE`\n", |value| (!value.contains('`')).then(|| value.to_owned())),
    ("a.cs", "var password = @\"VALUE\";\n", |value| Some(value.replace('"', "\"\""))),
    ("a.vb", "Dim password = \"VALUE\"\n", |value| Some(value.replace('"', "\"\""))),
];

fn pieces(text: &str) -> std::collections::HashSet<&[u8]> {
    text.as_bytes().windows(4).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn no_part_of_a_value_is_shown(number in 0..NOTATIONS.len(), value in "[ -~]{8,40}") {
        let (path, frame, write) = NOTATIONS[number];
        let Some(written) = write(&value) else { return Ok(()) };
        let text = frame.replace("VALUE", &written);
        for one in found(path, &text) {
            let shown = shown(&one.finding);
            let usual = pieces(frame);
            let title = pieces(&one.finding.title);
            let seen = pieces(&shown).into_iter().find(|piece| {
                value.as_bytes().windows(4).any(|own| own == *piece) && !usual.contains(piece) && !title.contains(piece)
            });
            prop_assert!(seen.is_none(), "{path}: {text} is shown as {shown}");
        }
    }

    #[test]
    fn values_with_a_common_start_are_not_equal(number in 0..NOTATIONS.len(), start in "[ -~]{7,30}", ends in ("[ -~]{1,9}", "[ -~]{1,9}")) {
        let (path, frame, write) = NOTATIONS[number];
        let text = |end: &str| write(&format!("{start}{end}")).map(|written| frame.replace("VALUE", &written));
        let (Some(one), Some(other)) = (text(&ends.0), text(&ends.1)) else { return Ok(()) };
        prop_assume!(ends.0 != ends.1);
        let identities = |text: &str| found(path, text).iter().map(|one| one.identity).collect::<Vec<_>>();
        let (one, other) = (identities(&one), identities(&other));
        prop_assert!(one.iter().all(|identity| !other.contains(identity)));
    }
}

#[test]
fn the_history_filter_finds_what_a_path_finds() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(1500));
    let inputs = (0..NOTATIONS.len(), "[ -~]{8,40}");
    runner
        .run(&inputs, |(number, value)| {
            let (path, frame, write) = NOTATIONS[number];
            let Some(written) = write(&value) else { return Ok(()) };
            let text = frame.replace("VALUE", &written);
            let interesting =
                candidates(path, &text).iter().any(|one| one.reported && one.confidence >= Confidence::Medium);
            let engine = engine();
            let reported = Reporter::new(Confidence::Medium).would_tell(&mut engine.scanner(), text.as_bytes());
            prop_assert!(reported || !interesting, "{path}: {text}");
            Ok(())
        })
        .unwrap();
}
