//! Who owns what is found, and where that comes from.

use super::*;

const FILE: &str = ".bitbucket/CODEOWNERS";

/// Findings by path with their owners, one a line.
fn owned(assessment: &Assessment) -> String {
    let line = |finding: &Finding| format!("{}: {}", finding.location.path, finding.owners.join(" "));
    assessment.run.findings.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A work tree with a secret in each of these files, and rules.
fn tree(rules: &str, files: &[&str]) -> (Fixture, Assessment) {
    let git = Fixture::new();
    git.write(FILE, rules);
    files.iter().enumerate().for_each(|(at, file)| git.write(file, leak(at as u64 + 1)));
    git.commit("begin");
    let assessment = Review::of(git.path()).run();
    (git, assessment)
}

#[test]
fn the_last_rule_that_fits_says_who_owns_a_file() {
    let rules = "\u{feff}# Rules\n\
        *         all@example.com\n\
        *.js      @js # everywhere\n\
        /docs/*   @docs\n\
        build/    @acme/build:random(2) jo@example.com\n\
        /lib      @lib\n\
        **/x/y    @deep\n\
        odd\\ name @odd\n";
    let files = ["a", "b.js", "docs/a", "docs/in/a", "in/build/a.js", "in/docs/a", "lib/a.js", "odd name", "p/x/y/z"];
    let (_git, assessment) = tree(rules, &files);
    assert_eq!(
        owned(&assessment),
        "a: all@example.com\n\
         b.js: @js\n\
         docs/a: @docs\n\
         docs/in/a: all@example.com\n\
         in/build/a.js: @acme/build jo@example.com\n\
         in/docs/a: all@example.com\n\
         lib/a.js: @lib\n\
         odd name: @odd\n\
         p/x/y/z: @deep"
    );
    assert_eq!(assessment.run.notices, []);
}

#[test]
fn owners_are_no_part_of_what_a_finding_is() {
    let (_, with) = tree("* @jo\n", &["a"]);
    let (_, without) = tree("", &["a"]);
    let (with, without) = (&with.run.findings[0], &without.run.findings[0]);
    assert_eq!(with.owners, ["@jo"]);
    assert!(without.owners.is_empty());
    assert_eq!(with.fingerprints, without.fingerprints);
}

#[test]
fn a_pull_request_has_the_owners_of_its_destination() {
    let git = Fixture::new();
    git.write(FILE, "* @old\n");
    git.write("debt", leak(1));
    let tip = git.commit("begin");
    git.git(&["checkout", "-q", "-b", "topic"]);
    git.write(FILE, "* @evil\n");
    git.write("mine", leak(2));
    std::fs::remove_file(git.at("debt")).unwrap();
    let head = git.commit("change");
    let assessment = Review::of(git.path()).pull_request(&head, &tip).run();
    assert_eq!(owned(&assessment), "mine: @old");
    assert_eq!(assessment.run.comparison.as_ref().unwrap().fixed[0].owners, ["@old"]);
    let assessment = Review::of(git.path()).branch(&head, "topic").run();
    assert_eq!(owned(&assessment), "mine: @evil", "a branch is its own");
}

#[test]
fn a_line_that_cannot_be_read_is_told_and_passed_over() {
    let (_git, assessment) = tree("* @jo\na jo\n!a @jo\n", &["a"]);
    assert_eq!(owned(&assessment), "a: @jo");
    let told: Vec<String> = assessment.run.notices.iter().map(|one| format!("{}: {}", one.subject, one.text)).collect();
    assert_eq!(
        told,
        [
            ".bitbucket/CODEOWNERS:2: an owner is a mail address, `@name` or `@workspace/group`; number 1 is none of these; the line is passed over",
            ".bitbucket/CODEOWNERS:3: Bitbucket knows no `!`, `[ ]` and `\\#` in a pattern; the line is passed over",
        ]
    );
    let (_git, assessment) = tree(&"a\n".repeat(100), &["a"]);
    assert_eq!(assessment.run.notices.len(), 11);
    assert!(assessment.run.notices[0].text.contains("90 further lines"), "{:?}", assessment.run.notices);
}

#[test]
fn a_hostile_file_does_no_harm() {
    let told = |rules: &str| {
        let (_git, assessment) = tree(rules, &["a"]);
        assert!(assessment.run.complete());
        (owned(&assessment), assessment.run.notices)
    };
    let (owners, notices) = told(&"* @jo\n".repeat(5_001));
    assert_eq!((owners.as_str(), notices.len()), ("a: ", 1));
    assert!(notices[0].text.contains("more than 5000 rules"), "{notices:?}");
    let (owners, notices) = told(&format!("* @jo\n# {}\n", "x".repeat(1 << 20)));
    assert_eq!((owners.as_str(), notices.len()), ("a: ", 1));
    let odd: String = (0..200).map(|at| format!("{at}{}b @evil\n", "*a?".repeat(80))).collect();
    let (owners, _) = told(&format!("* @jo\n{odd}"));
    assert_eq!(owners, "a: @jo");
    let secret = token(9);
    let (_, notices) = told(&format!("* @{secret}\n{secret}\n"));
    assert!(!format!("{notices:?}").contains(&secret), "{notices:?}");
    let (git, assessment) = tree(&format!("* @{secret}\n"), &["a"]);
    assert!(!format!("{:?}", assessment.run).contains(&secret), "{:?}", assessment.run);
    drop(git);
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_a_link_leads_nowhere() {
    let elsewhere = Fixture::new();
    elsewhere.write("CODEOWNERS", "* @evil\n");
    let git = Fixture::new();
    git.write("a", leak(1));
    std::os::unix::fs::symlink(elsewhere.path(), git.at(".bitbucket")).unwrap();
    git.commit("begin");
    assert_eq!(owned(&Review::of(git.path()).run()), "a: ");
}

#[test]
fn a_run_ends_when_it_began_where_the_clock_stands_still() {
    let (_git, assessment) = tree("", &["a"]);
    assert_eq!(assessment.run.finished_at.as_deref(), Some(assessment.run.started_at.as_str()));
    assert_eq!(assessment.run.started_at, "2026-01-02T03:00:00Z");
}
