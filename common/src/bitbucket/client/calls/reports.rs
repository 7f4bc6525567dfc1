//! Reports and annotations on a commit.

use std::collections::BTreeSet;

use reqwest::Method;

use super::super::error::Error;
use super::super::page::PAGE;
use super::InRepository;
use crate::bitbucket::reports::{ANNOTATIONS_PER_REQUEST, Annotation, AnnotationName, PostedReport, Report};

/// Most entries that are read of a report's annotations; others than the limit of the server says could be there.
const LIST_MAX: usize = 5000;
/// How often a part of the annotations is sent, when its answers are lost.
const ROUNDS: u32 = 3;

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
        self.client.send(&request.json(report)).await.map(|_| ())
    }

    /// Deletes a report with its annotations, if it is there.
    pub async fn delete_report(&self, commit: &str, id: &str) -> Result<(), Error> {
        self.delete(&["commit", commit, "reports", id]).await
    }

    /// Puts a report with its annotations in place of the one with the same id, so that no annotation of that one stays: deleted, put as `pending`,
    /// filled, put as it stands in the end. At most 13 requests.
    pub async fn replace_report(
        &self,
        commit: &str,
        pending: &Report,
        report: &Report,
        annotations: &[Annotation],
    ) -> Result<(), Error> {
        self.delete_report(commit, &report.external_id).await?;
        self.put_report(commit, pending).await?;
        let posted = self.post_annotations(commit, &report.external_id, annotations).await;
        // The result holds also where annotations are missing, and nothing stays pending.
        let result = self.put_report(commit, report).await;
        posted.and(result)
    }

    /// Adds annotations in as few requests as possible. Their ids must differ from each other. When an answer is lost, the ids that exist
    /// are read and only what is missing is sent again: no annotation comes twice.
    pub async fn post_annotations(&self, commit: &str, report: &str, annotations: &[Annotation]) -> Result<(), Error> {
        for part in annotations.chunks(ANNOTATIONS_PER_REQUEST) {
            self.post_part(commit, report, part).await?;
        }
        Ok(())
    }

    async fn post_part(&self, commit: &str, report: &str, part: &[Annotation]) -> Result<(), Error> {
        let mut missing: Vec<&Annotation> = part.iter().collect();
        for round in 1.. {
            let request = self.request(Method::POST, &["commit", commit, "reports", report, "annotations"])?;
            match self.client.send(&request.json(&missing)).await {
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
