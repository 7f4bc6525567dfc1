//! The names of the variables.
//!
//! Owns the list of those that are read, and which other names are mistakes. Knows nothing of
//! values.

use std::collections::BTreeMap;

/// The names of all variables that are read.
pub const VARIABLES: [&str; 29] = [
    "BASE_URL",
    "LISTEN_ADDR",
    "HEALTH_ADDR",
    "DATA_DIR",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "MIGRATE_DATABASE_URL",
    "MIGRATE_DATABASE_URL_FILE",
    "AUDIT_WEBHOOK_URL",
    "AUDIT_WEBHOOK_SECRET",
    "AUDIT_WEBHOOK_SECRET_FILE",
    "AUDIT_SYSLOG",
    "MASTER_KEY_FILE",
    "CONNECT_APP_KEY",
    "CONNECT_APP_SECRET",
    "CONNECT_APP_SECRET_FILE",
    "FORGE_APP_ID",
    "FORGE_APP_LINK",
    "ACCEPT_DEFAULT_AUDIENCE",
    "WORKERS",
    "TRUSTED_PROXIES",
    "MAX_CONNECTIONS",
    "ALLOWED_WORKSPACES",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "PENSTOCK_DEVELOPMENT",
    "BITBUCKET_API_URL",
    "BITBUCKET_SITE_URL",
    "INSTALL_KEYS_URL",
];

/// Edits between a name and the variable that was meant, for short and for long names.
const TYPOS_MAX: [usize; 2] = [1, 2];
/// Names of more characters are long.
const SHORT_NAME: usize = 8;

/// The mistake in the name of a variable that looks like one of ours. If ours is set, too, the
/// variable belongs to another program.
pub(super) fn misspelled(name: &str, environment: &BTreeMap<String, String>) -> Option<String> {
    if VARIABLES.contains(&name) {
        return None;
    }
    let upper = name.to_ascii_uppercase().replace('-', "_");
    let of_file = upper.strip_suffix("_FILE").filter(|_| !VARIABLES.contains(&upper.as_str()));
    if let Some(variable) = of_file.filter(|start| VARIABLES.contains(start)) {
        return Some(format!("{name} is not known: only secrets can be in a file; set {variable}"));
    }
    let bare = upper.strip_prefix("PENSTOCK_").unwrap_or(&upper);
    let edits =
        |variable: &str| [upper.as_str(), bare].map(|name| strsim::osa_distance(name, variable)).into_iter().min();
    let (variable, distance) =
        VARIABLES.iter().filter_map(|variable| Some((variable, edits(variable)?))).min_by_key(|(_, edits)| *edits)?;
    let allowed = TYPOS_MAX[usize::from(variable.len() > SHORT_NAME)];
    (distance <= allowed && !environment.contains_key(*variable))
        .then(|| format!("{name} is not known: did you mean {variable}?"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{BASE, config};
    use super::VARIABLES;

    /// Whatever happens to one letter of a name, it is not taken for another program's.
    #[test]
    fn a_name_with_a_typo_is_told_with_the_right_one() {
        let mut tried = 0;
        for variable in VARIABLES {
            let letters: Vec<char> = variable.chars().collect();
            let mut typos = vec![format!("PENSTOCK_{variable}"), variable.to_lowercase(), variable.replace('_', "-")];
            for at in 0..letters.len() {
                let (mut missing, mut twice, mut wrong, mut swapped) =
                    (letters.clone(), letters.clone(), letters.clone(), letters.clone());
                missing.remove(at);
                twice.insert(at, letters[at]);
                wrong[at] = 'Q';
                swapped.swap(at, (at + 1).min(letters.len() - 1));
                typos.extend([missing, twice, wrong, swapped].map(String::from_iter));
            }
            for typo in typos.iter().filter(|typo| !VARIABLES.contains(&typo.as_str()) && *typo != variable) {
                let told = config(&[BASE, (typo.as_str(), "canary")]);
                // The right one is set, so this one is another program's.
                if variable == BASE.0 {
                    assert!(told.is_ok(), "{typo}");
                    continue;
                }
                let told = told.unwrap_err();
                assert!(
                    told.contains(&format!("{typo} is not known: did you mean")) && !told.contains("canary"),
                    "{told}"
                );
                tried += 1;
            }
        }
        assert!(tried > 1000, "{tried}");
        let told = config(&[BASE, ("DATABSE_URL", "postgres://h/p")]).unwrap_err();
        assert!(told.contains("DATABSE_URL is not known: did you mean DATABASE_URL?"), "{told}");
        assert!(config(&[("BASE_UR", "canary")]).unwrap_err().contains("did you mean BASE_URL?"));
        assert!(config(&[BASE, ("WORKERS_FILE", "canary")]).unwrap_err().contains("only secrets"));
    }

    #[test]
    fn variables_of_others_are_none_of_ours() {
        let names = [
            "PATH",
            "HOME",
            "LANG",
            "TERM",
            "USER",
            "HOSTNAME",
            "PWD",
            "SHLVL",
            "RUST_LOG",
            "RUST_BACKTRACE",
            "PGHOST",
            "PGDATABASE",
            "HTTPS_PROXY",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "KUBERNETES_SERVICE_HOST",
            "INVOCATION_ID",
            "JOURNAL_STREAM",
            "STATE_DIRECTORY",
            "BITBUCKET_WORKSPACE",
            "BITBUCKET_REPO_SLUG",
            "BITBUCKET_CLONE_DIR",
            "SOURCE_DATE_EPOCH",
            "NOTIFY_SOCKET",
            "DD_API_KEY",
            "OTEL_SERVICE_NAME",
            "TEST_DATABASE_URL",
            "REDIS_URL",
            "POSTGRES_PASSWORD_FILE",
        ];
        for name in names {
            assert!(config(&[BASE, (name, "x")]).is_ok(), "{name}");
        }
    }
}
