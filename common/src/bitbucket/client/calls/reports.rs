//! Reports and annotations on a commit.

use std::collections::BTreeSet;

use reqwest::Method;

use super::super::error::Error;
use super::super::page::{PAGE, PAGE_ENTRIES};
use super::InRepository;
use crate::bitbucket::reports::{ANNOTATIONS_PER_REQUEST, Annotation, AnnotationName, PostedReport, Report};

/// Most entries that are read of a report's annotations; others than the limit of the server says could be there.
const LIST_MAX: usize = 5000;
/// How often a part of the annotations is sent, when its answers are lost.
const ROUNDS: u32 = 3;

/// The annotations of a report that the server did not take.
#[derive(Debug, Default)]
pub struct Missing {
    /// How many.
    pub annotations: usize,
    /// Why the first of them were refused.
    pub why: Option<Error>,
}

impl InRepository {
    /// All reports on a commit.
    pub async fn reports(&self, commit: &str) -> Result<Vec<PostedReport>, Error> {
        let request = self.request(Method::GET, &["commit", commit, "reports"])?;
        self.client.list(request.query("pagelen", PAGE), LIST_MAX).await
    }

    /// One report by our id; `None` if there is none.
    pub async fn report(&self, commit: &str, id: &str) -> Result<Option<PostedReport>, Error> {
        self.read_if_found(&self.request(Method::GET, &["commit", commit, "reports", id])?).await
    }

    /// Creates a report, or replaces the one with the same id; its annotations stay.
    pub async fn put_report(&self, commit: &str, report: &Report) -> Result<(), Error> {
        let request = self.request(Method::PUT, &["commit", commit, "reports", &report.external_id])?;
        self.client.send(&request.json(report).about_commit(commit)).await.map(|_| ())
    }

    /// Deletes a report with its annotations, if it is there.
    pub async fn delete_report(&self, commit: &str, id: &str) -> Result<(), Error> {
        self.delete(&["commit", commit, "reports", id]).await
    }

    /// Puts a report with its annotations in place of the one with the same id, so that no
    /// annotation of that one stays: put as `pending`, emptied if necessary, filled, and put with
    /// its result. The old one is deleted only after the new one was accepted, and only if it has
    /// annotations that the new one does not have. At most 15 requests. Annotations that are
    /// refused cost neither the others nor the report.
    pub async fn replace_report(
        &self,
        commit: &str,
        pending: &Report,
        report: &Report,
        annotations: &[Annotation],
    ) -> Result<Missing, Error> {
        self.put_report(commit, pending).await?;
        let emptied = self.empty_report(commit, pending, annotations).await;
        let missing = match &emptied {
            Ok(()) => self.fill_report(commit, &report.external_id, annotations).await,
            Err(_) => Missing::default(),
        };
        // The result is valid even if annotations are missing, and nothing stays pending.
        let result = self.put_report(commit, report).await;
        emptied.and(result).map(|()| missing)
    }

    /// Takes the annotations away that are not among `wanted`, by deleting the report, which is put
    /// again at once.
    async fn empty_report(&self, commit: &str, report: &Report, wanted: &[Annotation]) -> Result<(), Error> {
        let ids: BTreeSet<&str> = wanted.iter().map(|annotation| annotation.external_id.as_str()).collect();
        let request = self.request(Method::GET, &["commit", commit, "reports", &report.external_id, "annotations"])?;
        // The first page is enough: a report with more annotations is emptied in any case.
        let first = self.client.pages::<AnnotationName>(request.query("pagelen", PAGE), PAGE_ENTRIES).await;
        let is_clean = first.is_ok_and(|(there, more)| {
            !more && there.iter().all(|name| name.external_id.as_deref().is_some_and(|id| ids.contains(id)))
        });
        if is_clean {
            return Ok(());
        }
        self.delete_report(commit, &report.external_id).await?;
        self.put_report(commit, report).await
    }

    /// Adds annotations in as few requests as possible. Their ids must differ from each other. When
    /// an answer is lost, the ids that exist are read and only what is missing is sent again: no
    /// annotation comes twice. A part that is refused does not keep the next ones from being sent;
    /// it is the error in the end.
    pub async fn post_annotations(&self, commit: &str, report: &str, annotations: &[Annotation]) -> Result<(), Error> {
        self.fill_report(commit, report, annotations).await.why.map_or(Ok(()), Err)
    }

    async fn fill_report(&self, commit: &str, report: &str, annotations: &[Annotation]) -> Missing {
        let mut missing = Missing::default();
        for part in annotations.chunks(ANNOTATIONS_PER_REQUEST) {
            if missing.why.as_ref().is_some_and(Error::stays) {
                missing.annotations += part.len();
                continue;
            }
            if let Err(error) = self.post_part(commit, report, part).await {
                missing.annotations += part.len();
                // The error that ends everything says more than the error of one part.
                missing.why = Some(missing.why.filter(|_| !error.stays()).unwrap_or(error));
            }
        }
        missing
    }

    async fn post_part(&self, commit: &str, report: &str, part: &[Annotation]) -> Result<(), Error> {
        let mut missing: Vec<&Annotation> = part.iter().collect();
        for round in 1.. {
            let request = self.request(Method::POST, &["commit", commit, "reports", report, "annotations"])?;
            match self.client.send(&request.json(&missing).about_commit(commit)).await {
                Err(error) if error.is_uncertain() && round < ROUNDS => {}
                outcome => return outcome.map(|_| ()),
            }
            let there = self.annotation_ids(commit, report).await?;
            missing.retain(|annotation| !there.contains(&annotation.external_id));
            if missing.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Our ids of the annotations that a report has.
    pub async fn annotation_ids(&self, commit: &str, report: &str) -> Result<BTreeSet<String>, Error> {
        let request = self.request(Method::GET, &["commit", commit, "reports", report, "annotations"])?;
        let names: Vec<AnnotationName> = self.client.list(request.query("pagelen", PAGE), LIST_MAX).await?;
        Ok(names.into_iter().filter_map(|name| name.external_id).collect())
    }
}
