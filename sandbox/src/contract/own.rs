//! The sandbox's own description of the endpoints.
//!
//! Owns reading `sandbox/contract/*.toml` and judging by it. An operation is found by method and path template, which are written
//! as in Atlassian's document, so that the two can be compared.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Error, Mismatch};

const FILES: [(&str, &str); 7] = [
    ("common.toml", include_str!("../../contract/common.toml")),
    ("reports.toml", include_str!("../../contract/reports.toml")),
    ("statuses.toml", include_str!("../../contract/statuses.toml")),
    ("pull_requests.toml", include_str!("../../contract/pull_requests.toml")),
    ("repositories.toml", include_str!("../../contract/repositories.toml")),
    ("workspaces.toml", include_str!("../../contract/workspaces.toml")),
    ("rest.toml", include_str!("../../contract/rest.toml")),
];

/// An endpoint with one method.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    /// Unique.
    pub(crate) name: String,
    /// In capitals.
    pub(crate) method: String,
    /// Without `/2.0`, with names in braces.
    pub(crate) path: String,
    /// The scope that access tokens and OAuth tokens need. None: no credentials are needed.
    #[serde(default)]
    pub(crate) scope: Option<String>,
    /// The scope that API tokens need.
    #[serde(default)]
    pub(crate) granular: Option<String>,
    /// Query parameters and the schema of each.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, String>,
    /// The schema of the body.
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// How errors look.
    #[serde(default)]
    pub(crate) errors: Family,
}

/// The two shapes of error bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    /// `{"type": "error", "error": {…}}`.
    #[default]
    General,
    /// Code Insights: `{"key", "message", "arguments"}`.
    Reports,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    operation: Vec<Operation>,
    #[serde(default)]
    schema: Map<String, Value>,
}

/// All operations and their schemas, compiled.
#[derive(Debug)]
pub(crate) struct Own {
    operations: BTreeMap<(String, String), Operation>,
    validators: BTreeMap<String, Validator>,
}

impl Own {
    /// Reads the files once per process.
    pub(crate) fn get() -> Result<&'static Self, Error> {
        static OWN: OnceLock<Own> = OnceLock::new();
        if let Some(own) = OWN.get() {
            return Ok(own);
        }
        let own = Self::read()?;
        Ok(OWN.get_or_init(|| own))
    }

    fn read() -> Result<Self, Error> {
        let mut operations = BTreeMap::new();
        let mut schemas = Map::new();
        for (file, text) in FILES {
            let wrong = |words: String| Error::Own { file, words };
            let read: File = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
            for operation in read.operation {
                let place = (operation.method.clone(), operation.path.clone());
                if let Some(twin) = operations.insert(place, operation) {
                    return Err(wrong(format!("`{}` has a twin", twin.name)));
                }
            }
            schemas.extend(read.schema);
        }
        let schemas = Value::Object(schemas);
        let mut validators = BTreeMap::new();
        for operation in operations.values() {
            for name in operation.body.iter().chain(operation.query.values()) {
                if validators.contains_key(name) {
                    continue;
                }
                let root = json!({"$ref": format!("#/$defs/{name}"), "$defs": schemas});
                let validator = jsonschema::draft202012::new(&root)
                    .map_err(|error| Error::Own { file: "*.toml", words: format!("schema `{name}`: {error}") })?;
                validators.insert(name.clone(), validator);
            }
        }
        Ok(Self { operations, validators })
    }

    pub(super) fn operation(&self, method: &str, template: &str) -> Option<&Operation> {
        self.operations.get(&(method.to_owned(), template.to_owned()))
    }

    /// Judges query and body.
    pub(super) fn judge(
        &self,
        operation: &Operation,
        query: &[(String, String)],
        body: Option<&Value>,
    ) -> Vec<Mismatch> {
        let mut wrong = Vec::new();
        for (name, text) in query {
            match operation.query.get(name) {
                None => wrong.push(Mismatch::plain(name, "is not a query parameter of this operation")),
                Some(schema) => wrong.extend(self.look(schema, &typed(text), name)),
            }
        }
        if let (Some(schema), Some(body)) = (&operation.body, body) {
            wrong.extend(self.look(schema, body, "body"));
        }
        wrong
    }

    fn look(&self, schema: &str, value: &Value, at: &str) -> Vec<Mismatch> {
        let Some(validator) = self.validators.get(schema) else { return Vec::new() };
        validator.iter_errors(value).map(|error| Mismatch::of(&error, at)).collect()
    }
}

/// A query's value as what it looks like.
pub(super) fn typed(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}
