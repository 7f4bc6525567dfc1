//! Repositories and workspaces that were moved or renamed.
//!
//! Owns the retry under the new name. The client follows redirects of reads, on the same host only;
//! writes need the current name. Bitbucket does not redirect from the former name of a workspace:
//! there the repository is found by its UUID.

use penstock_common::bitbucket::client::{Client, Error, InRepository};

use super::Plan;

/// The workspace placeholder that Bitbucket accepts for a repository named by UUID:
/// <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#uri-uuid>.
const ANY_WORKSPACE: &str = "{}";

/// Runs `act` in the plan's repository, or in the one that its former name leads to. Also returns a
/// remark about the new name, empty if there is none.
pub(super) async fn following<T>(
    plan: &Plan,
    client: &Client,
    act: impl AsyncFn(&InRepository) -> Result<T, Error>,
) -> Result<(T, String), Error> {
    let repository = plan.repository(client);
    let client = repository.client();
    let (done, name) = match act(&repository).await {
        Err(Error::Moved { call, to }) => match names(&to) {
            Some((workspace, slug)) => (act(&client.in_repository(workspace, slug)).await?, None),
            None => return Err(Error::Moved { call, to }),
        },
        Err(error) if error.is_not_found() => match by_uuid(plan, client).await {
            Some((workspace, slug)) => {
                let name = format!("{workspace}/{slug}");
                (act(&client.in_repository(workspace, slug)).await?, Some(name))
            }
            None => return Err(error),
        },
        outcome => (outcome?, None),
    };
    let remark = name.or_else(|| client.moved()).map(|name| format!("; the repository is called {name} now"));
    Ok((done, remark.unwrap_or_default()))
}

/// The current name of the repository, if it differs from the one the step has.
async fn by_uuid(plan: &Plan, client: &Client) -> Option<(String, String)> {
    let uuid = plan.subject.repository_uuid.as_deref()?;
    let found = client.in_repository(ANY_WORKSPACE, format!("{{{uuid}}}")).get().await.ok()?;
    let (workspace, slug) = names(&format!("/repositories/{}", found.full_name))?;
    let is_known = (workspace.as_str(), slug.as_str()) == (&*plan.subject.workspace, &*plan.subject.repository);
    (!is_known).then_some((workspace, slug))
}

/// Workspace and slug in the path of a call.
fn names(path: &str) -> Option<(String, String)> {
    let mut parts = path.strip_prefix("/repositories/")?.split('/');
    let plain = |text: &str| {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.{}".contains(&byte)))
            .then(|| text.to_owned())
    };
    Some((plain(parts.next()?)?, plain(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn only_plain_names_are_followed() {
        let pair = |one: &str, other: &str| Some((one.to_owned(), other.to_owned()));
        assert_eq!(names("/repositories/acme/new-shop/commit/0/reports"), pair("acme", "new-shop"));
        assert_eq!(names("/repositories/{1}/{2}"), pair("{1}", "{2}"));
        for path in
            ["/repositories/acme", "/user", "/repositories/a%2Fb/c", "/repositories//c", "/repositories/a\u{202e}/c"]
        {
            assert_eq!(names(path), None, "{path}");
        }
    }
}
