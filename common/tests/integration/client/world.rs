//! A sandbox with a repository and a pull request in it, and clients for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use penstock_common::Secret;
use penstock_common::bitbucket::client::{
    Access, ApiUrl, Auth, AuthProxy, Client, CorporateProxy, ExtraRoots, InRepository, Options, Patience,
};
use penstock_common::bitbucket::reports::{
    Annotation, AnnotationResult, AnnotationSeverity, AnnotationType, Report, ReportResult, ReportType,
};
use penstock_sandbox::{Commit, Sandbox};

pub(crate) const REPOSITORY: &str = "acme/shop";
pub(crate) const BRANCH: &str = "feature/x-%2F-y";

/// A sandbox with a repository and a pull request in it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    /// The commit that both branches have.
    pub(crate) base: String,
    /// The tip of the pull request's source.
    pub(crate) head: String,
    pub(crate) pull_request: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new().unwrap();
        sandbox.repository(REPOSITORY).unwrap();
        let first = Commit::new("begin").write("a.txt", "one\n").write("dir/b c.txt", "two\n");
        let base = sandbox.push(REPOSITORY, "main", &first).unwrap();
        sandbox.branch(REPOSITORY, BRANCH, &base).unwrap();
        sandbox.push(REPOSITORY, "main", &Commit::new("go on").write("c.txt", "three\n")).unwrap();
        let head = sandbox.push(REPOSITORY, BRANCH, &Commit::new("change").write("a.txt", "one\nmore\n")).unwrap();
        let pull_request = sandbox.open_pull_request(REPOSITORY, "A change", BRANCH, "main").unwrap();
        Self { sandbox, base, head, pull_request }
    }

    /// Calls of the repository with an access token of these scopes.
    pub(crate) fn with_scopes(&self, scopes: &[&str]) -> InRepository {
        let token = self.sandbox.repository_token(REPOSITORY, scopes).unwrap();
        self.repository(Auth::AccessToken(Secret::new(token)))
    }

    /// Calls of the repository with an access token that may do what the pipe does.
    pub(crate) fn usual(&self) -> InRepository {
        self.with_scopes(&["repository", "pullrequest"])
    }

    pub(crate) fn repository(&self, auth: Auth) -> InRepository {
        self.client(auth, quick()).in_repository("acme", "shop")
    }

    pub(crate) fn client(&self, auth: Auth, options: Options) -> Client {
        client_of(&self.sandbox.api_url(), auth, options)
    }

    /// Calls of the repository through the authentication proxy.
    pub(crate) fn proxied(&self) -> InRepository {
        let proxy = AuthProxy::parse(self.sandbox.proxy_addr()).unwrap();
        Client::new(&Access::AuthProxy(proxy), quick()).unwrap().in_repository("acme", "shop")
    }

    /// Method and path of all requests since the last that `skip` counts.
    pub(crate) fn requests(&self) -> Vec<String> {
        let short = |path: &str| path.replace(&self.head, "HEAD").replace("/2.0/repositories/acme/shop", "");
        self.sandbox.journal().iter().map(|entry| format!("{} {}", entry.method, short(&entry.path))).collect()
    }
}

pub(crate) fn client_of(api: &str, auth: Auth, options: Options) -> Client {
    let access = Access::Direct {
        api: ApiUrl::parse(api).unwrap(),
        auth,
        proxy: CorporateProxy::default(),
        roots: ExtraRoots::default(),
    };
    Client::new(&access, options).unwrap()
}

/// Waits that nobody notices.
pub(crate) fn quick() -> Options {
    let mut options = Options::new(Arc::new(|| 0.5));
    options.patience = Patience {
        first_wait: Duration::from_millis(1),
        near_limit: Duration::from_millis(1),
        longest_wait: Duration::from_secs(5),
        ..Patience::default()
    };
    options
}

/// The same, and how often a wait was drawn.
pub(crate) fn counting() -> (Options, Arc<AtomicUsize>) {
    let drawn = Arc::new(AtomicUsize::new(0));
    let mut options = quick();
    let counter = Arc::clone(&drawn);
    options.jitter = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        0.5
    });
    (options, drawn)
}

pub(crate) fn report() -> Report {
    Report {
        title: "Secrets".to_owned(),
        details: "1 finding".to_owned(),
        external_id: "penstock-secrets".to_owned(),
        reporter: "Penstock".to_owned(),
        report_type: ReportType::Security,
        result: ReportResult::Pending,
        link: None,
        data: Vec::new(),
    }
}

pub(crate) fn annotations(count: usize) -> Vec<Annotation> {
    let one = |number: usize| Annotation {
        external_id: format!("id-{number}"),
        annotation_type: AnnotationType::Vulnerability,
        path: Some("a.txt".to_owned()),
        line: Some(1),
        summary: "A secret".to_owned(),
        details: None,
        result: AnnotationResult::Failed,
        severity: AnnotationSeverity::High,
        link: None,
    };
    (0..count).map(one).collect()
}
