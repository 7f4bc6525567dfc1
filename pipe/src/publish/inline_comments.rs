//! Comments at the lines of new findings, on request.
//!
//! Owns that each finding has one, that they are few, and that those go whose finding is gone. The comment on the pull request as a whole tells
//! everything that these do.

use penstock_common::Run;
use penstock_common::bitbucket::client::{Error, InRepository};
use penstock_common::bitbucket::comments::{Comment, Inline, NewComment};
use penstock_common::decorate::comment::{AtLine, at_lines};

use super::Plan;
use super::pr_comment::{Ours, create};

/// Posts what is missing and takes away what is gone; tells so in words that follow a sentence.
pub(super) async fn post(
    plan: &Plan,
    run: &Run,
    repository: &InRepository,
    number: u64,
    there: &[Comment],
    ours: &Ours<'_>,
) -> Result<String, Error> {
    let wanted = at_lines(run, &plan.context());
    let standing: Vec<&Comment> = there.iter().filter(|one| one.inline.is_some() && ours.is(one)).collect();
    let tells = |comment: &Comment, one: &AtLine| comment.text().lines().any(|line| line.trim_end() == one.marker);
    let (mut posted, mut deleted) = (0, 0);
    for one in &wanted {
        if standing.iter().any(|comment| tells(comment, one)) {
            continue;
        }
        let inline = Inline { path: one.path.clone(), to: Some(one.line), from: None };
        let text = NewComment { inline: Some(inline), ..NewComment::general(one.body.as_str()) };
        match create(repository, number, ours, &text).await {
            Ok(_) => posted += 1,
            // A line that is not in the diff takes no comment. The comment on the whole tells the finding.
            Err(error) if error.status() == Some(400) => {}
            Err(error) => return Err(error),
        }
    }
    // Only what is surely ours is deleted.
    let gone = standing.iter().filter(|comment| ours.me.is_some() && !wanted.iter().any(|one| tells(comment, one)));
    for comment in gone {
        repository.delete_comment(number, comment.id).await?;
        deleted += 1;
    }
    Ok(match (posted, deleted) {
        (0, 0) => String::new(),
        _ => format!(", {posted} at lines were posted and {deleted} deleted"),
    })
}
