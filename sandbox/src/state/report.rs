//! Code Insights: reports and their annotations.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{clock, random};

/// Most annotations that a report holds (documented).
pub(crate) const ANNOTATIONS_MAX: usize = 1000;

/// Something with an id of the client's and one of the server's. A report or an annotation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) external_id: String,
    pub(crate) uuid: String,
    fields: Map<String, Value>,
    #[serde(with = "clock::kept")]
    created: Timestamp,
    #[serde(with = "clock::kept")]
    updated: Timestamp,
}

impl Record {
    fn new(external_id: &str) -> Self {
        let now = clock::now();
        Self {
            external_id: external_id.to_owned(),
            uuid: random::uuid(),
            fields: Map::new(),
            created: now,
            updated: now,
        }
    }

    fn set(&mut self, fields: Map<String, Value>) {
        self.fields = fields;
        self.updated = clock::now();
    }

    fn is(&self, id: &str) -> bool {
        self.external_id == id || self.uuid == id || self.uuid.trim_matches(['{', '}']) == id
    }

    fn json(&self, kind: &str) -> Value {
        let mut shown = self.fields.clone();
        shown.insert("type".to_owned(), kind.into());
        shown.insert("uuid".to_owned(), self.uuid.clone().into());
        shown.insert("external_id".to_owned(), self.external_id.clone().into());
        shown.insert("created_on".to_owned(), clock::written(self.created).into());
        shown.insert("updated_on".to_owned(), clock::written(self.updated).into());
        Value::Object(shown)
    }
}

/// A report and its annotations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    record: Record,
    /// In the order in which they came first.
    annotations: Vec<Record>,
}

impl Report {
    /// As Bitbucket shows it.
    pub(crate) fn json(&self) -> Value {
        self.record.json("report")
    }

    /// Its annotations, as Bitbucket shows them.
    pub(crate) fn annotations(&self) -> Vec<Value> {
        self.annotations.iter().map(|annotation| annotation.json("report_annotation")).collect()
    }

    /// One annotation.
    pub(crate) fn annotation(&self, id: &str) -> Option<Value> {
        let found = self.annotations.iter().find(|annotation| annotation.is(id))?;
        Some(found.json("report_annotation"))
    }

    /// Creates or replaces an annotation. `None` if there would be too many.
    pub(crate) fn put_annotation(&mut self, id: &str, fields: Map<String, Value>) -> Option<Value> {
        let place = match self.annotations.iter().position(|annotation| annotation.is(id)) {
            Some(place) => place,
            None if self.annotations.len() >= ANNOTATIONS_MAX => return None,
            None => {
                self.annotations.push(Record::new(id));
                self.annotations.len() - 1
            }
        };
        let annotation = &mut self.annotations[place];
        annotation.set(fields);
        Some(annotation.json("report_annotation"))
    }

    /// Takes an annotation away, if it is there.
    pub(crate) fn delete_annotation(&mut self, id: &str) {
        self.annotations.retain(|annotation| !annotation.is(id));
    }

    /// How many of these ids it does not hold yet.
    pub(crate) fn new_among<'a>(&self, ids: impl Iterator<Item = &'a str>) -> usize {
        ids.filter(|id| !self.annotations.iter().any(|annotation| annotation.is(id))).count()
    }

    /// How many annotations it holds.
    pub(crate) fn len(&self) -> usize {
        self.annotations.len()
    }
}

/// All reports of a repository, by commit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reports(BTreeMap<String, Vec<Report>>);

impl Reports {
    /// Those of a commit.
    pub(crate) fn of(&self, commit: &str) -> &[Report] {
        self.0.get(commit).map_or(&[], Vec::as_slice)
    }

    /// One of them.
    pub(crate) fn get(&self, commit: &str, id: &str) -> Option<&Report> {
        self.of(commit).iter().find(|report| report.record.is(id))
    }

    /// One of them.
    pub(crate) fn get_mut(&mut self, commit: &str, id: &str) -> Option<&mut Report> {
        self.0.get_mut(commit)?.iter_mut().find(|report| report.record.is(id))
    }

    /// Creates a report or replaces its fields. Its annotations stay: they accumulate until the report is deleted.
    pub(crate) fn put(&mut self, commit: &str, id: &str, fields: Map<String, Value>) -> Value {
        let reports = self.0.entry(commit.to_owned()).or_default();
        let place = reports.iter().position(|report| report.record.is(id)).unwrap_or_else(|| {
            reports.push(Report { record: Record::new(id), annotations: Vec::new() });
            reports.len() - 1
        });
        let report = &mut reports[place];
        report.record.set(fields);
        report.json()
    }

    /// Takes a report away with its annotations. False if there is none.
    pub(crate) fn delete(&mut self, commit: &str, id: &str) -> bool {
        let Some(reports) = self.0.get_mut(commit) else { return false };
        let before = reports.len();
        reports.retain(|report| !report.record.is(id));
        reports.len() < before
    }
}
