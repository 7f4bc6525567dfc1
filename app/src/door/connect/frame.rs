//! The app's places inside Bitbucket, and what a signed address says of one.
//!
//! Owns the path of each frame and its parameters, for the descriptor that asks for them and for the request that brings them. It is asked only
//! after the token of that request held: then Bitbucket wrote the parameters, and nobody changed them.

use penstock_common::Uuid;

use super::qsh;

/// Most characters of an account id.
const ACCOUNT_ID_MAX: usize = 128;

/// A place inside Bitbucket that shows the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    /// On a repository's overview.
    RepositoryPanel,
    /// On a pull request.
    PullRequestPanel,
    /// A page of a repository.
    RepositoryPage,
    /// A page of a workspace.
    WorkspacePage,
    /// In a repository's settings; Bitbucket shows it to its admins.
    RepositorySettings,
    /// Led to from the list of installed apps.
    WorkspaceSettings,
}

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole workspace of the installation.
    Workspace,
    /// One repository.
    Repository {
        /// Which.
        repository: Uuid,
    },
    /// One pull request.
    PullRequest {
        /// The repository that it goes into.
        repository: Uuid,
        /// Its number there.
        id: u64,
    },
}

/// Who looks. Bitbucket says so; what he may do it does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// His account.
    pub uuid: Uuid,
    /// His Atlassian account.
    pub account_id: String,
}

/// Why an address says too little. It names the parameter, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Bitbucket left it as it stands in the descriptor.
    #[error(
        "Bitbucket did not fill in the parameter `{0}`: the installation lacks the scope for it, or nobody is signed in"
    )]
    Unreplaced(&'static str),
    /// It is not there.
    #[error("the parameter `{0}` is missing")]
    Missing(&'static str),
    /// It is there more than once.
    #[error("the parameter `{0}` came more than once")]
    Repeated(&'static str),
    /// It is not what it should be.
    #[error("the parameter `{0}` makes no sense")]
    Senseless(&'static str),
    /// The repository is not the tenant's.
    #[error("the repository belongs to another workspace than the installation")]
    OtherWorkspace,
}

const REPOSITORY: (&str, &str) = ("repository", "repository.uuid");
const OWNER: (&str, &str) = ("owner", "repository.owner.uuid");
const PULL_REQUEST: (&str, &str) = ("pull_request", "pullrequest.id");
const USER: (&str, &str) = ("user", "user.uuid");
const ACCOUNT: (&str, &str) = ("account", "user.account_id");

impl Frame {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::RepositoryPanel,
        Self::PullRequestPanel,
        Self::RepositoryPage,
        Self::WorkspacePage,
        Self::RepositorySettings,
        Self::WorkspaceSettings,
    ];

    /// Its key in the descriptor, once in the app.
    pub const fn key(self) -> &'static str {
        match self {
            Self::RepositoryPanel => "repository-panel",
            Self::PullRequestPanel => "pull-request-panel",
            Self::RepositoryPage => "repository-page",
            Self::WorkspacePage => "workspace-page",
            Self::RepositorySettings => "repository-settings",
            Self::WorkspaceSettings => "workspace-settings",
        }
    }

    /// Its path below the app's address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::RepositoryPanel => "/connect/frames/repository-panel",
            Self::PullRequestPanel => "/connect/frames/pull-request-panel",
            Self::RepositoryPage => "/connect/frames/repository-page",
            Self::WorkspacePage => "/connect/frames/workspace-page",
            Self::RepositorySettings => "/connect/frames/repository-settings",
            Self::WorkspaceSettings => "/connect/frames/workspace-settings",
        }
    }

    /// Names of parameters, and what Bitbucket is to put there. Only what identifies: names and branches may hold anything, and change.
    const fn parameters(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::PullRequestPanel => &[REPOSITORY, OWNER, PULL_REQUEST, USER, ACCOUNT],
            Self::RepositoryPanel | Self::RepositoryPage | Self::RepositorySettings => {
                &[REPOSITORY, OWNER, USER, ACCOUNT]
            }
            Self::WorkspacePage | Self::WorkspaceSettings => &[USER, ACCOUNT],
        }
    }

    /// Its address below the app's, as the descriptor tells it: `/…?repository={repository.uuid}&…`.
    pub fn template(self) -> String {
        let parameters: Vec<_> = self.parameters().iter().map(|(name, field)| format!("{name}={{{field}}}")).collect();
        format!("{}?{}", self.path(), parameters.join("&"))
    }

    /// What the raw query of a verified request says: what is shown, and to whom. `tenant` is the workspace of the installation that signed it.
    /// No viewer means that nobody is signed in.
    ///
    /// # Errors
    /// When Bitbucket did not fill in what the descriptor asks for, or when the repository is another workspace's.
    pub fn read(self, query: &str, tenant: Uuid) -> Result<(Place, Option<Viewer>), FrameError> {
        let values = Values { query };
        let repository = || {
            let owner = values.uuid(OWNER.0)?;
            if owner == tenant { values.uuid(REPOSITORY.0) } else { Err(FrameError::OtherWorkspace) }
        };
        let place = match self {
            Self::WorkspacePage | Self::WorkspaceSettings => Place::Workspace,
            Self::PullRequestPanel => Place::PullRequest {
                repository: repository()?,
                id: values.text(PULL_REQUEST.0)?.parse().map_err(|_| FrameError::Senseless(PULL_REQUEST.0))?,
            },
            Self::RepositoryPanel | Self::RepositoryPage | Self::RepositorySettings => {
                Place::Repository { repository: repository()? }
            }
        };
        let account_id = values.text(ACCOUNT.0)?;
        if account_id.is_empty() && values.text(USER.0)?.is_empty() {
            return Ok((place, None));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b':' | b'_');
        if !(1..=ACCOUNT_ID_MAX).contains(&account_id.len()) || !account_id.bytes().all(plain) {
            return Err(FrameError::Senseless(ACCOUNT.0));
        }
        Ok((place, Some(Viewer { uuid: values.uuid(USER.0)?, account_id })))
    }
}

struct Values<'a> {
    query: &'a str,
}

impl Values<'_> {
    fn text(&self, name: &'static str) -> Result<String, FrameError> {
        let mut values = qsh::parameters(self.query).filter(|(given, _)| given == name.as_bytes());
        let (_, value) = values.next().ok_or(FrameError::Missing(name))?;
        if values.next().is_some() {
            return Err(FrameError::Repeated(name));
        }
        let value = String::from_utf8(value).map_err(|_| FrameError::Senseless(name))?;
        // UUIDs come in braces too.
        if value.contains(['{', '}']) && value.parse::<Uuid>().is_err() {
            return Err(FrameError::Unreplaced(name));
        }
        Ok(value)
    }

    fn uuid(&self, name: &'static str) -> Result<Uuid, FrameError> {
        self.text(name)?.parse().map_err(|_| FrameError::Senseless(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid(byte: u8) -> Uuid {
        Uuid::from([byte; 16])
    }

    /// The workspace of the installation.
    fn tenant() -> Uuid {
        uuid(0xcd)
    }

    fn query(parameters: &[(&str, &str)]) -> String {
        let escape = |value: &str| value.replace('{', "%7B").replace('}', "%7D");
        parameters.iter().map(|(name, value)| format!("{name}={}&", escape(value))).collect()
    }

    fn pull_request(owner: &str, id: &str) -> Result<(Place, Option<Viewer>), FrameError> {
        let repository = uuid(1).braced();
        let parameters = [
            ("repository", repository.as_str()),
            ("owner", owner),
            ("pull_request", id),
            ("user", ""),
            ("account", ""),
        ];
        Frame::PullRequestPanel.read(&query(&parameters), tenant())
    }

    /// Mistake 4: a repository of another workspace than the one that the token proves.
    #[test]
    fn mistake_04_the_repository_is_the_tenant_s() {
        assert!(pull_request(&tenant().braced(), "7").is_ok());
        assert_eq!(pull_request(&uuid(2).braced(), "7"), Err(FrameError::OtherWorkspace));
    }

    /// Mistake 21: the same UUID in another spelling is the same thing.
    #[test]
    fn mistake_21_any_spelling_of_a_uuid() {
        let (repository, user) = (uuid(0xab), uuid(3));
        for spell in [Uuid::braced, |uuid: Uuid| uuid.to_string(), |uuid: Uuid| uuid.braced().to_uppercase()] {
            let query = query(&[
                ("repository", &spell(repository)),
                ("owner", &spell(tenant())),
                ("user", &spell(user)),
                ("account", "557058:x-1"),
                ("jwt", "a.b.c"),
            ]);
            let viewer = Viewer { uuid: user, account_id: "557058:x-1".to_owned() };
            let read = Frame::RepositoryPanel.read(&query, tenant());
            assert_eq!(read, Ok((Place::Repository { repository }, Some(viewer))), "{query}");
        }
    }

    #[test]
    fn what_bitbucket_leaves_unreplaced_is_an_error() {
        for frame in Frame::ALL {
            let template = frame.template();
            let (_, query) = template.split_once('?').unwrap();
            assert!(matches!(frame.read(query, tenant()), Err(FrameError::Unreplaced(_))), "{frame:?}");
        }
        let query = query(&[("user", &uuid(1).braced()), ("account", "{user.account_id}")]);
        assert_eq!(Frame::WorkspacePage.read(&query, tenant()), Err(FrameError::Unreplaced("account")));
    }

    #[test]
    fn nobody_may_look() {
        assert_eq!(Frame::WorkspacePage.read("user=&account=", tenant()), Ok((Place::Workspace, None)));
    }

    #[test]
    fn other_values_are_refused() {
        for (query, why) in [
            ("user=", FrameError::Missing("account")),
            ("user=&account=&account=x", FrameError::Repeated("account")),
            ("user=x&account=y", FrameError::Senseless("user")),
            ("user=x&account=a%20b", FrameError::Senseless("account")),
            ("user=x&account=%ff", FrameError::Senseless("account")),
        ] {
            assert_eq!(Frame::WorkspacePage.read(query, tenant()), Err(why), "{query}");
        }
        for id in ["", "-1", "1.5", "18446744073709551616"] {
            assert_eq!(pull_request(&tenant().braced(), id), Err(FrameError::Senseless("pull_request")), "{id}");
        }
    }
}
