//! What the documentation says is so.

use penstock_app::config::VARIABLES;

fn docs(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// All Rust sources of the crate, tests too.
fn sources(folder: &std::path::Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_variable_is_explained() {
    let told = docs("operations.md");
    let rows: Vec<&str> = told.lines().filter(|line| line.starts_with("| `")).collect();
    for name in VARIABLES {
        assert!(rows.iter().any(|row| row.contains(&format!("`{name}`"))), "{name}");
    }
}

/// Addresses contain tokens and handles: neither log of the proxy may have them.
#[test]
fn the_example_of_a_proxy_logs_no_address() {
    let told = docs("operations.md");
    let example = told.split("```nginx").nth(1).unwrap().split("```").next().unwrap();
    for line in ["    access_log off;", "    error_log /dev/null emerg;"] {
        assert!(example.lines().any(|one| one == line), "`{line}` is missing in the server block");
    }
}

#[test]
fn every_promise_has_its_test() {
    let told = docs("security.md");
    let begin = told.find("## The companion app").unwrap();
    let rows = told[begin..]
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter(|line| line.starts_with("| **"));
    let mut all = String::new();
    for folder in ["src", "tests"] {
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut all);
    }
    let mut count = 0;
    for row in rows {
        let held = row.split('|').nth_back(1).unwrap();
        let names = held.split('`').skip(1).step_by(2).filter(|name| !name.contains('/'));
        for name in names {
            assert!(all.contains(&format!("fn {name}(")) || all.contains(&format!("    {name},")), "{name}");
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}
