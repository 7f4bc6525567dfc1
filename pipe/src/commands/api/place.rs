//! Placeholders in a path, filled from the variables of the build.

use crate::pipelines_env::PipelinesEnv;

use super::Mistake;

/// `path` with placeholders replaced. Other braces stay as they are: UUIDs are written in them.
pub(super) fn fill(path: &str, pipelines: &PipelinesEnv) -> Result<String, Mistake> {
    let known = [
        ("workspace", "BITBUCKET_WORKSPACE", pipelines.workspace.clone()),
        ("repo_slug", "BITBUCKET_REPO_SLUG", pipelines.repo_slug.clone()),
        ("commit", "BITBUCKET_COMMIT", pipelines.commit.clone()),
        ("branch", "BITBUCKET_BRANCH", pipelines.branch.clone()),
        ("pr_id", "BITBUCKET_PR_ID", pipelines.pr_id.map(|id| id.to_string())),
    ];
    let mut filled = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let found =
            known.iter().find(|(name, ..)| rest[1..].strip_prefix(name).is_some_and(|after| after.starts_with('}')));
        match found {
            Some((name, variable, value)) => {
                let value = value.as_ref().ok_or(Mistake::Placeholder { placeholder: name, variable })?;
                encode(value, &mut filled);
                rest = &rest[name.len() + 2..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// As one part of a path, whatever a branch is called.
fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            // `..` would lead up.
            b'.' if value.bytes().any(|byte| byte != b'.') => out.push('.'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_build_knows_is_filled_in_as_one_part() {
        let pipelines = PipelinesEnv {
            workspace: Some("ws".to_owned()),
            branch: Some("a/b?c #{commit}".to_owned()),
            ..PipelinesEnv::default()
        };
        assert_eq!(
            fill("/x/{workspace}/{b1-2}/{branch}/{", &pipelines).expect("filled"),
            "/x/ws/{b1-2}/a%2Fb%3Fc%20%23%7Bcommit%7D/{"
        );
        let error = fill("/{repo_slug}", &pipelines).expect_err("not set");
        assert_eq!(error.to_string(), "the path holds `{repo_slug}`, but `BITBUCKET_REPO_SLUG` is not set");
    }
}
