//! Comments at the lines of new findings, on request.
//!
//! Owns that each finding has one, that they are few, and that those go whose finding is gone. The comment on the pull request as a whole tells
//! everything that these do.

use penstock_common::Run;
use penstock_common::bitbucket::client::{Error, InRepository};
use penstock_common::bitbucket::comments::{Comment, Inline, NewComment};
use penstock_common::decorate::comment::{AtLine, at_lines};

use super::Plan;

/// Posts what is missing and removes what is gone; returns words for the end of a sentence.
/// `there` are comments at lines with our marker, and `me` our UUID, if it is known. A comment that
/// is refused does not affect the others.
pub(super) async fn post(
    plan: &Plan,
    run: &Run,
    repository: &InRepository,
    number: u64,
    there: &[Comment],
    me: Option<&str>,
) -> String {
    let wanted = at_lines(run, &plan.context());
    // If our account is unknown, any author of the marker may be us.
    let standing: Vec<&Comment> = there.iter().filter(|one| me.is_none() || one.author() == me).collect();
    let is_about = |comment: &Comment, one: &AtLine| comment.is_marked(&one.marker);
    let (mut posted, mut deleted, mut elsewhere) = (0, 0, 0);
    let mut missing = Missing::default();
    for one in wanted.iter().filter(|one| !standing.iter().any(|comment| is_about(comment, one))) {
        if missing.ends_all() {
            missing.count += 1;
            continue;
        }
        let inline = Inline { path: one.path.clone(), to: Some(one.line), from: None };
        let text = NewComment { inline: Some(inline), ..NewComment::general(one.body.as_str()) };
        match repository.create_comment_once(number, me, &text).await {
            Ok(_) => posted += 1,
            // A line that is not in the diff takes no comment. The comment on the whole tells the finding.
            Err(error) if error.status() == Some(400) => elsewhere += 1,
            Err(error) => missing.add(error),
        }
    }
    // Only what is surely ours is deleted.
    let gone = standing.iter().filter(|comment| me.is_some() && !wanted.iter().any(|one| is_about(comment, one)));
    for comment in gone {
        // The next run deletes one that stays.
        deleted += usize::from(!missing.ends_all() && repository.delete_comment(number, comment.id).await.is_ok());
    }
    let mut words = match (posted, deleted) {
        (0, 0) => String::new(),
        _ => format!(", {posted} at lines were posted and {deleted} deleted"),
    };
    if elsewhere > 0 {
        words.push_str(&format!(", {elsewhere} have no line in the diff"));
    }
    if let Missing { count: 1.., why: Some(why) } = &missing {
        words.push_str(&format!(", {} at lines are missing: {why}", missing.count));
    }
    words
}

/// The comments that could not be posted, with the reason for the first one.
#[derive(Default)]
struct Missing {
    count: usize,
    why: Option<Error>,
}

impl Missing {
    fn add(&mut self, error: Error) {
        self.count += 1;
        self.why = Some(self.why.take().filter(|_| !error.stays()).unwrap_or(error));
    }

    /// Whether the next ones would fail in the same way.
    fn ends_all(&self) -> bool {
        self.why.as_ref().is_some_and(Error::stays)
    }
}
