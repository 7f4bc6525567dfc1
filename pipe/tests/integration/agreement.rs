//! `pipe.yml`, the README's table and example, and the flags of `penstock pipe` name the same variables as the program reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory;
use penstock::cli::Cli;
use penstock::settings::pipe::VARIABLES;

/// Variables without a flag beside secrets: they describe the machine and are the same for every command, or are half of a pair with a secret.
const WITHOUT_FLAG: [&str; 5] =
    ["ATLASSIAN_ACCOUNT_EMAIL", "BITBUCKET_OAUTH_CLIENT_ID", "HTTPS_PROXY", "NO_PROXY", "NO_COLOR"];

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

fn names() -> Vec<String> {
    VARIABLES.iter().map(|variable| variable.name.to_owned()).collect()
}

#[test]
fn pipe_yml_lists_every_variable_with_its_default() {
    let text = file("pipe.yml");
    let list = text.split_once("\nvariables:\n").unwrap().1;
    let list = list.lines().take_while(|line| line.starts_with(' '));
    let mut listed: Vec<(String, Option<String>)> = Vec::new();
    for line in list.map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix("- name: ") {
            listed.push((name.to_owned(), None));
        } else if let Some(default) = line.strip_prefix("default: ") {
            listed.last_mut().unwrap().1 = Some(default.trim_matches('\'').to_owned());
        } else {
            panic!("unknown line in pipe.yml: {line}");
        }
    }
    let wanted = VARIABLES.iter().map(|variable| {
        let default = if variable.secret { format!("${}", variable.name) } else { variable.default.to_owned() };
        (variable.name.to_owned(), Some(default).filter(|default| !default.is_empty()))
    });
    assert_eq!(listed, wanted.collect::<Vec<_>>());
}

#[test]
fn the_readme_explains_every_variable() {
    let readme = file("README.md");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let rows: Vec<(&str, &str)> =
        rows.filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')).collect();
    assert_eq!(rows.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names());
    for (variable, (name, text)) in VARIABLES.iter().zip(&rows) {
        let default = format!("Default: `{}`", variable.default);
        assert!(variable.default.is_empty() || text.contains(&default), "{name}: {text}");
        assert_eq!(variable.secret, text.contains("Secured."), "{name}: {text}");
        assert_eq!(variable.list, text.contains("or a list"), "{name}: {text}");
    }
    let example = readme.lines().filter_map(|line| line.trim().strip_prefix("# ")?.split_once(": "));
    let example = example.filter(|(_, usage)| usage.contains("# Optional")).map(|(name, _)| name);
    assert_eq!(example.collect::<Vec<_>>(), names());
}

#[test]
fn every_flag_of_the_pipe_stands_for_a_variable() {
    let command = Cli::command();
    let pipe = command.find_subcommand("pipe").unwrap();
    let flags: BTreeSet<String> = pipe
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .filter(|long| *long != "help")
        .map(|long| long.to_ascii_uppercase().replace('-', "_"))
        .collect();
    let wanted = VARIABLES.iter().filter(|variable| !variable.secret && !WITHOUT_FLAG.contains(&variable.name));
    assert_eq!(flags, wanted.map(|variable| variable.name.to_owned()).collect());
}
