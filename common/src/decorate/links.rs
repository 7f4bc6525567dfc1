//! Addresses of pages on Bitbucket.
//!
//! Owns how they are built from what a run is about. Every part is encoded: no name can lead elsewhere or out of where the link is written.

use std::fmt::Write as _;

use crate::Subject;

/// Where people see Bitbucket Cloud.
pub const BITBUCKET: &str = "https://bitbucket.org";
/// Most bytes of an address. Beyond that nothing reads it for sure.
const ADDRESS_MAX: usize = 2000;

/// Addresses of what a run is about.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    web: &'a str,
    subject: &'a Subject,
}

impl<'a> Links<'a> {
    /// On the site `web`, such as [`BITBUCKET`].
    pub fn new(web: &'a str, subject: &'a Subject) -> Self {
        Self { web, subject }
    }

    /// The repository.
    fn repository(&self) -> String {
        format!("{}/{}/{}", self.web, segment(&self.subject.workspace), segment(&self.subject.repository))
    }

    /// A line (from 1) of a file at the commit that was looked at. See [`Links::source_at`].
    pub fn source(&self, path: &str, line: u32) -> Option<String> {
        self.source_at(&self.subject.commit, path, line)
    }

    /// A line (from 1) of a file at `commit`. `None` for what has no page of its own: a file within an archive (`!`), a name that is shown with
    /// escapes (`\`), and what is too long.
    pub fn source_at(&self, commit: &str, path: &str, line: u32) -> Option<String> {
        if path.is_empty() || path.contains(['!', '\\']) || path.split('/').any(|part| matches!(part, "" | "." | ".."))
        {
            return None;
        }
        let path: Vec<String> = path.split('/').map(segment).collect();
        let link = format!("{}/src/{}/{}#lines-{}", self.repository(), segment(commit), path.join("/"), line.max(1));
        bounded(link)
    }

    /// A commit. `None` if its address is too long.
    pub fn commit(&self, commit: &str) -> Option<String> {
        bounded(format!("{}/commits/{}", self.repository(), segment(commit)))
    }

    /// The build that this run is part of, else the commit. For what is too long, Bitbucket itself: some fields need an address.
    pub fn build(&self) -> String {
        let page = match self.subject.build_number {
            Some(number) => bounded(format!("{}/pipelines/results/{number}", self.repository())),
            None => self.commit(&self.subject.commit),
        };
        page.unwrap_or_else(|| self.web.to_owned())
    }
}

fn bounded(address: String) -> Option<String> {
    (address.len() <= ADDRESS_MAX).then_some(address)
}

/// One segment of a path, with everything encoded that is not unreserved (RFC 3986, section 2.3).
pub fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject() -> Subject {
        Subject {
            workspace: "acme".into(),
            repository: "shop".into(),
            commit: "0123456789ab".into(),
            build_number: Some(7),
            ..Subject::default()
        }
    }

    #[test]
    fn paths_are_encoded_by_segment() {
        let subject = subject();
        let links = Links::new(BITBUCKET, &subject);
        assert_eq!(
            links.source("src/a b)(#?.rs", 0).as_deref(),
            Some("https://bitbucket.org/acme/shop/src/0123456789ab/src/a%20b%29%28%23%3F.rs#lines-1")
        );
        assert_eq!(links.build(), "https://bitbucket.org/acme/shop/pipelines/results/7");
    }

    #[test]
    fn what_has_no_page_has_no_link() {
        let subject = subject();
        let links = Links::new(BITBUCKET, &subject);
        for path in ["", "a.zip!b", "a\\x0a", "../other", "a//b", &"x".repeat(3000)] {
            assert_eq!(links.source(path, 1), None, "{path}");
        }
    }

    #[test]
    fn names_cannot_lead_elsewhere() {
        let subject = Subject { workspace: "a/../..?#@evil".into(), commit: "../x".into(), ..subject() };
        let link = Links::new(BITBUCKET, &subject).source("a", 1).unwrap();
        assert_eq!(link, "https://bitbucket.org/a%2F..%2F..%3F%23%40evil/shop/src/..%2Fx/a#lines-1");
    }
}
