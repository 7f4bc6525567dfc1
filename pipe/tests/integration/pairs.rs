//! Secrets of two halves: both decide what is new, for every rule that names a first half.
//!
//! The table is made from `rules/*.toml`, so that a new pair rule is covered. Every case goes
//! through the real program with `--base`.

use penstock::analyze::secrets::{Engine, rule};
use penstock_common::{Confidence, Severity};
use serde_json::Value;

use crate::expand::expand;
use crate::folder::Folder;
use crate::rules::examples;
use crate::run::Penstock;

/// A pair rule and how its halves are written.
struct Pair {
    rule: &'static rule::Rule,
    whole: &'static rule::Rule,
    /// A line with the first half; none if the second line has both.
    first: Option<String>,
    second: String,
    /// Seeds with which both halves are found: now and then a generated value does not look random.
    seeds: Vec<u64>,
}

/// One half of a text.
#[derive(Clone, Copy)]
enum Half {
    /// The value of this number.
    Real(usize),
    Placeholder,
}
use Half::{Placeholder, Real};

impl Half {
    fn write(self, template: &str, seeds: &[u64]) -> String {
        match self {
            Real(number) => expand(template, seeds[number]),
            Placeholder => {
                let (before, rest) = template.split_once("{{").unwrap();
                // A public prefix would be part of the value.
                let before = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
                format!("{before}changeme{}", rest.split_once("}}").unwrap().1)
            }
        }
    }
}

impl Pair {
    fn text(&self, first: Half, second: Half) -> String {
        match &self.first {
            Some(line) => format!("{}\n{}\n", self.write(first, line), self.write(second, &self.second)),
            None => {
                let (id, secret) = self.second.split_at(self.second.rfind("{{").unwrap());
                format!("{}{}\n", self.write(first, id), self.write(second, secret))
            }
        }
    }

    /// The first half on a line of its own.
    fn id(&self, first: Half) -> String {
        let (id, _) = self.second.split_at(self.second.rfind("{{").unwrap());
        format!("{}\n", self.write(first, self.first.as_deref().unwrap_or(id)))
    }

    fn write(&self, half: Half, template: &str) -> String {
        half.write(template, &self.seeds)
    }

    /// The lines of `text` in the other order, if the halves have a line each.
    fn swapped(text: &str) -> String {
        text.lines().rev().fold(String::new(), |text, line| text + line + "\n")
    }

    fn severity(&self) -> Severity {
        self.rule.severity.max(self.whole.severity)
    }
}

/// The rules of what is found in a text, in order.
fn found(text: &str) -> Vec<&'static str> {
    let engine = Engine::new([1; 16], 1_767_322_800, &[]);
    let mut scanner = engine.scanner();
    let candidates = scanner.scan(Some(b"case.txt"), text.as_bytes()).iter();
    let reported = candidates.filter(|one| one.reported && one.confidence >= Confidence::Medium);
    reported.map(|one| rule::builtin()[one.rule].id).collect()
}

fn pairs() -> Vec<Pair> {
    let rules = rule::builtin();
    let examples: Vec<_> = examples().into_values().flatten().collect();
    let of = |id: &str| &examples.iter().find(|rule| rule.id == id).unwrap().positive;
    let pair_rules = rules.iter().filter_map(|rule| Some((rule, &rules[rule.part_of?])));
    let pairs: Vec<Pair> = pair_rules
        .map(|(rule, whole)| {
            let both = of(rule.id)
                .iter()
                .find(|line| line.matches("{{").count() == 2 && { found(&expand(line, 1)) == [whole.id, rule.id] });
            let separate = || {
                let only = |line: &&String, id| line.matches("{{").count() == 1 && found(&expand(line, 1)) == [id];
                let first = of(whole.id).iter().find(|line| only(line, whole.id)).unwrap_or_else(|| &of(whole.id)[0]);
                let second = of(rule.id).iter().find(|line| only(line, rule.id)).unwrap_or_else(|| &of(rule.id)[0]);
                (Some(first.clone()), second.clone())
            };
            let (first, second) = both.map_or_else(separate, |line| (None, line.clone()));
            let is_found = |seed: &u64| match &first {
                Some(line) => !found(&expand(line, *seed)).is_empty() && !found(&expand(&second, *seed)).is_empty(),
                None => found(&expand(&second, *seed)) == [whole.id, rule.id],
            };
            let seeds: Vec<u64> = (1..200).filter(is_found).take(5).collect();
            assert_eq!(seeds.len(), 5, "{}: {first:?} {second}", rule.id);
            Pair { rule, whole, first, second, seeds }
        })
        .collect();
    assert!(pairs.len() >= 14, "the rules that are half of a pair");
    pairs
}

/// A change, the number of new findings, and whether the most severe one is as severe as the pair.
struct Case {
    name: &'static str,
    base: String,
    head: String,
    new: usize,
    existing: usize,
}

fn cases(pair: &Pair) -> Vec<Case> {
    let case = |name, base: String, head: String, new, existing| Case { name, base, head, new, existing };
    let text = |first, second| pair.text(first, second);
    let gap = "\n# a comment\n".repeat(4);
    let mut cases = vec![
        case("id-then-pair", pair.id(Real(1)), text(Real(1), Real(2)), 1, 0),
        case("placeholder-then-secret", text(Real(1), Placeholder), text(Real(1), Real(2)), 1, 0),
        case("placeholder-then-id", text(Placeholder, Real(2)), text(Real(1), Real(2)), 1, 0),
        case("secret-replaced", text(Real(1), Real(2)), text(Real(1), Real(3)), 1, 0),
        case("id-replaced", text(Real(1), Real(2)), text(Real(4), Real(2)), 1, 0),
        case("both-new", String::new(), text(Real(1), Real(2)), 1, 0),
        case("both-replaced", text(Real(1), Real(2)), text(Real(4), Real(3)), 1, 0),
        case("moved", text(Real(1), Real(2)), format!("{gap}{}", text(Real(1), Real(2))), 0, 1),
        case("two-pairs", text(Real(1), Real(2)), text(Real(1), Real(2)) + &text(Real(4), Real(3)), 1, 1),
        case("two-new-pairs", String::new(), text(Real(1), Real(2)) + &text(Real(4), Real(3)), 2, 0),
        case("two-secrets-inline", text(Real(1), Real(2)), text(Real(1), Real(2)) + &text(Real(1), Real(3)), 1, 1),
    ];
    if pair.first.is_some() {
        let secret = |half: Half| pair.write(half, &pair.second) + "\n";
        let both = || text(Real(1), Real(2));
        cases.extend([
            case("swapped", both(), Pair::swapped(&both()), 0, 1),
            case("swapped-then-secret", Pair::swapped(&text(Real(1), Placeholder)), Pair::swapped(&both()), 1, 0),
            case(
                "two-new-swapped-pairs",
                String::new(),
                Pair::swapped(&both()) + &Pair::swapped(&text(Real(4), Real(3))),
                2,
                0,
            ),
            case("mirrored", String::new(), both() + &Pair::swapped(&text(Real(4), Real(3))), 2, 0),
            case("second-secret", both(), both() + &secret(Real(3)), 1, 1),
            case("second-id", both(), both() + &pair.id(Real(4)), 1, 1),
            case("apart", both(), pair.id(Real(1)) + &gap + &secret(Real(2)), 0, 2),
            case("together", pair.id(Real(1)) + &gap + &secret(Real(2)), both(), 0, 1),
            case("far-secret", pair.id(Real(1)), pair.id(Real(1)) + &gap + &secret(Real(2)), 1, 1),
        ]);
    }
    cases
}

#[test]
fn both_halves_of_every_pair_rule_decide_what_is_new() {
    let mut complaints = Vec::new();
    for pair in pairs() {
        let cases = cases(&pair);
        let folder = Folder::repository();
        for case in &cases {
            folder.write(format!("{}.txt", case.name), &case.base);
        }
        folder.commit("base");
        for case in &cases {
            folder.write(format!("{}.txt", case.name), &case.head);
        }
        let told = Penstock::scan().args(["--base", "HEAD"]).dir(folder.path()).run();
        let report = told.json();
        for case in &cases {
            let path = format!("{}.txt", case.name);
            let findings = report["findings"].as_array().unwrap();
            let own: Vec<&Value> = findings.iter().filter(|one| one["location"]["path"] == path.as_str()).collect();
            let of = |change: &str| own.iter().filter(|one| one["change"] == change).copied().collect::<Vec<_>>();
            let (new, existing) = (of("new"), of("existing"));
            let mut complain = |what: String| {
                complaints.push(format!("{} {}: {what}\n{}---\n{}", pair.rule.id, case.name, case.base, case.head));
            };
            if (new.len(), existing.len()) != (case.new, case.existing) {
                complain(format!("{} new, {} existing", new.len(), existing.len()));
            }
            // A secret without its id has the severity of its own rule.
            let least = if case.name == "far-secret" { pair.rule.severity } else { pair.severity() };
            if new.iter().any(|one| one["severity"] != least.name()) {
                complain(format!("not {}", least.name()));
            }
        }
        let worst = pair.severity() >= Severity::High;
        assert_eq!(told.code, i32::from(worst), "{}", pair.rule.id);
    }
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

/// The AWS pair in its usual form in a file.
fn aws(id: u64, secret: u64) -> String {
    let id = expand("aws_access_key_id = AKIA{{b32:16}}", id);
    id + "\n" + &expand("aws_secret_access_key = {{b64:40}}", secret) + "\n"
}

fn staged(folder: &Folder) -> Vec<String> {
    folder.git(&["add", "-A"]);
    Penstock::scan().arg("--staged").dir(folder.path()).run().findings()
}

#[test]
fn a_pair_is_new_if_either_half_is_on_a_changed_line() {
    for (base, head) in [(aws(1, 2), aws(1, 3)), (aws(1, 2), aws(4, 2))] {
        let folder = Folder::repository();
        folder.write("keys", format!("{base}\n\n\n")).commit("base");
        folder.write("keys", format!("{head}\n\n\n"));
        assert_eq!(staged(&folder), ["keys:1 aws-access-token"]);
        folder.commit("head");
        let range = Penstock::scan().args(["--range", "HEAD~1..HEAD"]).dir(folder.path()).run();
        assert_eq!(range.findings(), ["keys:1 aws-access-token"]);
        folder.write("keys", format!("{head}\n\nmore\n"));
        assert!(staged(&folder).is_empty(), "no half is on a changed line");
    }
}

#[test]
fn a_history_scan_reports_every_pair() {
    let folder = Folder::repository();
    folder.write("keys", aws(1, 2)).commit("one");
    folder.write("keys", aws(1, 3)).commit("two");
    folder.write("keys", "").commit("none");
    let told = Penstock::scan().arg("--history").dir(folder.path()).run();
    assert_eq!(told.findings(), ["keys:1 aws-access-token", "keys:1 aws-access-token"]);
}

#[test]
fn a_pair_that_came_and_went_has_leaked_although_its_id_stayed() {
    let folder = Folder::repository();
    let id = |text: String| text.lines().next().unwrap().to_owned() + "\n";
    folder.write("keys", id(aws(1, 2))).commit("base");
    folder.write("keys", aws(1, 2)).commit("the secret");
    folder.write("keys", id(aws(1, 2))).commit("without");
    let report = Penstock::scan().args(["--base", "HEAD~2"]).dir(folder.path()).run().json();
    let leaked = report["comparison"]["leaked"].as_array().unwrap();
    assert_eq!(leaked.len(), 1, "{leaked:?}");
    assert_eq!(leaked[0]["severity"], "critical");
    assert!(leaked[0]["message"].as_str().unwrap().contains("removed in"), "{leaked:?}");
    assert_eq!(report["findings"][0]["change"], "existing");
}

#[test]
fn an_accepted_id_does_not_accept_its_secret() {
    let folder = Folder::repository();
    let placeholder = aws(1, 2).lines().next().unwrap().to_owned() + "\naws_secret_access_key = changeme\n";
    folder.write("keys", placeholder).commit("base");
    let fingerprint = |folder: &Folder| {
        let report = Penstock::scan().dir(folder.path()).run().json();
        report["findings"][0]["fingerprints"]["primary"].as_str().unwrap().to_owned()
    };
    let of_id = fingerprint(&folder);
    folder.write("penstock.toml", format!("[[suppress]]\nfingerprint = \"{of_id}\"\nreason = \"only an id\"\n"));
    assert_eq!(Penstock::scan().dir(folder.path()).run().code, 0);
    folder.write("keys", aws(1, 2));
    assert_ne!(fingerprint(&folder), of_id);
    for arguments in [&["--base", "HEAD"][..], &[]] {
        let told = Penstock::scan().args(arguments).dir(folder.path()).run();
        assert_eq!((told.code, told.findings().len()), (1, 1), "{arguments:?}");
        assert!(told.findings()[0].starts_with("keys"));
    }
    // As for a single secret, lines and order leave no trace.
    let of_pair = fingerprint(&folder);
    folder.write("keys", format!("\n\n{}", Pair::swapped(&aws(1, 2).replace('\n', "\n\n"))));
    assert_eq!(fingerprint(&folder), of_pair);
}

#[test]
fn findings_of_one_group_have_the_same_pair() {
    let folder = Folder::new();
    folder.write("a", aws(1, 2)).write("b", aws(1, 3)).write("c", aws(1, 2)).write("d", aws(4, 2));
    let report = Penstock::scan().dir(folder.path()).run().json();
    let groups: Vec<&Value> = report["findings"].as_array().unwrap().iter().map(|one| &one["group"]).collect();
    assert_eq!(groups[0], groups[2]);
    assert!(groups[0].is_number() && groups[1].is_null() && groups[3].is_null(), "{groups:?}");
}

#[test]
fn encoded_halves_belong_together_too() {
    let encode = |text: &str| base64(text.as_bytes());
    let folder = Folder::repository();
    let written = |secret| format!("{}\n", encode(&aws(1, secret)));
    folder.write("keys", written(2)).commit("base");
    folder.write("keys", written(3));
    let report = Penstock::scan().args(["--base", "HEAD"]).dir(folder.path()).run().json();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!((&findings[0]["change"], &findings[0]["decoded_from"]), (&"new".into(), &"base64".into()));
}

fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        let letter = |at: usize| char::from(letters[(bits >> (18 - 6 * at)) as usize & 63]);
        (0..4).map(|at| if at <= three.len() { letter(at) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

#[test]
fn no_output_shows_either_half() {
    let folder = Folder::new();
    let text = aws(1, 2);
    let values: Vec<&str> = text.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    folder.write("keys", &text);
    for format in ["text", "json", "jsonl", "sarif", "junit", "markdown"] {
        let told = Penstock::new().args(["scan", "--format", format]).dir(folder.path()).run();
        assert!(values.iter().all(|value| !told.stdout.contains(value)), "{format}");
    }
}
