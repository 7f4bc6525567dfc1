//! Repositories that were moved or renamed.
//!
//! Owns starting again under the new name. The client follows redirects of what is read, on the same host only; what is changed has to be asked for
//! by its own name.

use penstock_common::bitbucket::client::{Error, InRepository};

/// Does `act` in `repository`; if that was moved, in the one it leads to. What is handed back beside says so, and is empty otherwise.
pub(super) async fn following<T>(
    repository: &InRepository,
    act: impl AsyncFn(&InRepository) -> Result<T, Error>,
) -> Result<(T, String), Error> {
    let client = repository.client();
    let done = match act(repository).await {
        Err(Error::Moved { call, to }) => match names(&to) {
            Some((workspace, slug)) => act(&client.in_repository(workspace, slug)).await?,
            None => return Err(Error::Moved { call, to }),
        },
        outcome => outcome?,
    };
    let told = client.moved().map(|name| format!("; the repository is called {name} now"));
    Ok((done, told.unwrap_or_default()))
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
