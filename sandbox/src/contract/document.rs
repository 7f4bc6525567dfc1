//! Atlassian's OpenAPI document.
//!
//! Owns reading a copy, correcting it by the overrides, and judging requests and the sandbox's own answers by it. The document is not
//! part of the project: the README says where Atlassian publishes it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::convert::convert;
use super::overrides::{Bodies, Overrides};
use super::own::typed;
use super::{Error, Family, Mismatch, Operation};

/// A copy of the document.
#[derive(Debug)]
pub(crate) struct Document {
    overrides: Overrides,
    requests: Value,
    answers: Value,
    /// Compiled when first needed, by side and JSON pointer.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    /// Reads a copy, once per process.
    pub(super) fn load(path: &Path) -> Result<Arc<Self>, Error> {
        static LOADED: Mutex<Vec<(PathBuf, Arc<Document>)>> = Mutex::new(Vec::new());
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, document)) = loaded.iter().find(|(known, _)| known == path) {
            return Ok(Arc::clone(document));
        }
        let document = Arc::new(Self::read(path)?);
        loaded.push((path.to_owned(), Arc::clone(&document)));
        Ok(document)
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let wrong = |words: String| Error::Document { path: path.to_owned(), words };
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let document: Value = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if document.pointer("/paths/~1user/get").is_none() {
            return Err(wrong("it has no path `/user`".to_owned()));
        }
        let overrides =
            Overrides::read().map_err(|error| Error::Own { file: "overrides.toml", words: error.to_string() })?;
        let side = |side| {
            let mut document = document.clone();
            overrides.correct(&mut document, side);
            convert(&mut document);
            document
        };
        let (requests, answers) = (side(Bodies::Requests), side(Bodies::Answers));
        Ok(Self { overrides, requests, answers, validators: Mutex::default() })
    }

    /// Judges query and body of a request.
    pub(super) fn judge(
        &self,
        operation: &Operation,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<Mismatch> {
        let (path, entry) = place(operation);
        if self.requests.pointer(&entry).is_none() {
            return vec![Mismatch::plain("path", "the document has no such path and method")];
        }
        let mut wrong = Vec::new();
        for (name, text) in query {
            match self.query_schema(&[&path, &entry], name) {
                Some(schema) => wrong.extend(self.look(Bodies::Requests, &schema, &typed(text), name)),
                None if self.overrides.knows_query(&operation.name, name) => {}
                None => wrong.push(Mismatch::plain(name, "the document has no such query parameter")),
            }
        }
        if let Some(body) = body {
            match content(&self.requests, &format!("{entry}/requestBody")) {
                Some(schema) => wrong.extend(self.look(Bodies::Requests, &schema, body, "body")),
                None => wrong.push(Mismatch::plain("body", "the document has none")),
            }
        }
        wrong
    }

    /// Judges status and body of an answer.
    pub(super) fn judge_answer(&self, operation: &Operation, status: u16, body: Option<&Value>) -> Vec<Mismatch> {
        if status >= 400 {
            // Few errors are declared with an operation, and those of Code Insights look different; the others all look like this.
            let is_general = operation.errors == Family::General;
            let body = body.filter(|_| is_general);
            return body
                .map(|body| self.look(Bodies::Answers, "/components/schemas/error", body, "answer"))
                .unwrap_or_default();
        }
        if self.overrides.knows_answer(&operation.name, status) {
            return Vec::new();
        }
        let answer = format!("{}/responses/{status}", place(operation).1);
        if self.answers.pointer(&answer).is_none() {
            return vec![Mismatch::plain("status", &format!("the document has no answer {status}"))];
        }
        match (content(&self.answers, &answer), body) {
            (Some(schema), Some(body)) => self.look(Bodies::Answers, &schema, body, "answer"),
            _ => Vec::new(),
        }
    }

    /// Where the schema of a query parameter is.
    fn query_schema(&self, places: &[&String], name: &str) -> Option<String> {
        places.iter().find_map(|place| {
            let parameters = self.requests.pointer(&format!("{place}/parameters"))?.as_array()?;
            let number =
                parameters.iter().position(|parameter| parameter["in"] == "query" && parameter["name"] == name)?;
            Some(format!("{place}/parameters/{number}/schema"))
        })
    }

    /// Validates by the schema at a pointer.
    fn look(&self, side: Bodies, pointer: &str, value: &Value, at: &str) -> Vec<Mismatch> {
        let key = format!("{side:?} {pointer}");
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = match validators.get(&key) {
            Some(validator) => Arc::clone(validator),
            None => {
                let document = if side == Bodies::Requests { &self.requests } else { &self.answers };
                let Some(schema) = document.pointer(pointer) else { return Vec::new() };
                let root = json!({"allOf": [schema], "components": document["components"]});
                match jsonschema::draft4::options().should_validate_formats(true).build(&root) {
                    Ok(validator) => Arc::clone(validators.entry(key).or_insert(Arc::new(validator))),
                    Err(error) => {
                        return vec![Mismatch::plain(at, &format!("the document's schema is wrong: {error}"))];
                    }
                }
            }
        };
        drop(validators);
        validator.iter_errors(value).map(|error| Mismatch::of(&error, at)).collect()
    }
}

/// Pointers to a path and to the operation under it.
fn place(operation: &Operation) -> (String, String) {
    let path = format!("/paths/{}", operation.path.replace('~', "~0").replace('/', "~1"));
    let entry = format!("{path}/{}", operation.method.to_lowercase());
    (path, entry)
}

/// Where the JSON schema of a body is, through one reference.
fn content(document: &Value, pointer: &str) -> Option<String> {
    let holder = document.pointer(pointer)?;
    let holder = match holder["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(elsewhere) => elsewhere,
        None => pointer,
    };
    let schema = format!("{holder}/content/application~1json/schema");
    document.pointer(&schema).is_some().then_some(schema)
}
