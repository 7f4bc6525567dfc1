//! The program with `--base`, and what each format tells of a comparison.

use crate::folder::{Folder, leak, token};
use crate::run::Penstock;

/// A repository with debt, one more secret since, and one secret that came and went.
fn changed() -> Folder {
    let folder = Folder::repository();
    folder.write("debt", leak(1)).write("paid", leak(2)).commit("begin");
    folder.git(&["tag", "begin"]);
    folder.write("brief", leak(3)).commit("adds");
    std::fs::remove_file(folder.at("brief")).unwrap();
    std::fs::remove_file(folder.at("paid")).unwrap();
    folder.write("fresh", leak(4)).commit("changes");
    folder
}

fn scan(folder: &Folder, format: &str) -> crate::run::Told {
    Penstock::new().args(["scan", "--base", "begin", "--format", format]).dir(folder.path()).run()
}

#[test]
fn what_is_new_fails_and_what_existed_does_not() {
    let folder = changed();
    let told = scan(&folder, "text");
    assert_eq!(told.code, 1, "{}{}", told.stdout, told.stderr);
    let parts = [
        "== New in this change ==",
        "fresh",
        "== Leaked by this change ==",
        "== Existing ==",
        "debt",
        "Fixed\n  paid:1",
    ];
    let places: Vec<usize> = parts.iter().map(|part| told.stdout.find(part).expect(part)).collect();
    assert!(places.is_sorted(), "{}", told.stdout);
    assert!(told.stdout.contains("given by `--base` `begin`"), "{}", told.stdout);
    assert!(told.stdout.contains("still leaked: revoke it"), "{}", told.stdout);
    assert!(told.stdout.contains("  failed         new.critical"), "{}", told.stdout);
    std::fs::remove_file(folder.at("fresh")).unwrap();
    let told = scan(&folder, "text");
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("0 new, 1 existing, 2 leaked, 1 fixed"), "{}", told.stdout);
}

#[test]
fn programs_are_told_how_each_finding_stands() {
    let folder = changed();
    let json = scan(&folder, "json").json();
    let changes: Vec<&str> =
        json["findings"].as_array().unwrap().iter().map(|one| one["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["existing", "new"]);
    assert_eq!(json["verdict"], "failed");
    assert_eq!(json["comparison"]["base"]["kind"], "given");
    assert_eq!(json["comparison"]["fixed"][0]["location"]["path"], "paid");
    assert_eq!(json["summary"]["changes"]["leaked"], 1);
    let sarif: serde_json::Value = serde_json::from_str(&scan(&folder, "sarif").stdout).unwrap();
    let states =
        sarif["runs"][0]["results"].as_array().unwrap().iter().map(|one| one["baselineState"].as_str().unwrap());
    assert_eq!(states.collect::<Vec<_>>(), ["unchanged", "new", "new", "absent"]);
    let junit = scan(&folder, "junit").stdout;
    assert!(junit.contains(r#"tests="2" failures="1""#), "{junit}");
    let jsonl = scan(&folder, "jsonl").stdout;
    assert!(jsonl.lines().last().unwrap().contains(r#""comparison":"#));
    for format in ["text", "json", "jsonl", "sarif", "junit", "markdown"] {
        let told = scan(&folder, format);
        for seed in 1..5 {
            assert!(!told.stdout.contains(&token(seed)) && !told.stderr.contains(&token(seed)), "{format}");
        }
    }
}

#[test]
fn the_configuration_decides_and_never_only_warns() {
    let folder = changed();
    folder.write("penstock.toml", "[gate]\nnew.critical = 1\nleaked.total = 0\n");
    let told = scan(&folder, "text");
    assert_eq!(told.code, 1);
    assert!(told.stdout.contains("failed (leaked.total is 1, not ≤ 0)"), "{}", told.stdout);
    let never = Penstock::new().args(["scan", "--base", "begin", "--fail-on", "never"]).dir(folder.path()).run();
    assert_eq!(never.code, 0);
    assert!(never.stdout.contains("note: gate: `leaked.total ≤ 0` does not block"), "{}", never.stdout);
    // Without a base, what is new is not asked for, and everything counts.
    let alone = Penstock::new().arg("scan").dir(folder.path()).run();
    assert!(!alone.stdout.contains("leaked.total"), "{}", alone.stdout);
    assert_eq!(alone.code, 1);
}

#[test]
fn a_suppression_is_told_when_it_is_over() {
    let folder = Folder::repository();
    folder.write("debt", leak(1));
    // The clock of these runs stands at the second of January 2026.
    folder.write("penstock.toml", "[[suppress]]\npath = \"debt\"\nreason = \"for now\"\nuntil = 2026-01-02\n");
    let told = Penstock::scan().dir(folder.path()).run();
    assert_eq!((told.code, told.findings()), (0, vec!["(debt:1 gitlab-pat)".to_owned()]));
    folder.write("penstock.toml", "[[suppress]]\npath = \"debt\"\nreason = \"for now\"\nuntil = 2026-01-01\n");
    let told = Penstock::new().arg("scan").dir(folder.path()).run();
    assert_eq!(told.code, 1);
    assert!(told.stdout.contains("note: penstock.toml:1: this suppression expired on 2026-01-01"), "{}", told.stdout);
}

#[test]
fn usage_is_checked_before_anything_is_read() {
    let folder = changed();
    for arguments in [
        &["--base", "begin", "--staged"][..],
        &["--base", "nowhere"],
        &["--fail-on", "new:high"],
        &["--fail-on", "never,any:low"],
    ] {
        let told = Penstock::new().arg("scan").args(arguments).dir(folder.path()).run();
        assert_eq!(told.code, 2, "{arguments:?}: {}", told.stderr);
        assert!(told.stdout.is_empty());
    }
}
