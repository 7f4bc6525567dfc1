//! What is known to be wrong in Atlassian's document, in one visible file: `sandbox/contract/overrides.toml`.
//!
//! Owns reading it and changing the document by it. A place that the document does not have is left alone: a newer copy may be right.

use serde::Deserialize;
use serde_json::{Map, Value};

const FILE: &str = include_str!("../../contract/overrides.toml");

/// All overrides.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Overrides {
    schema: Vec<SchemaOverride>,
    query: Vec<QueryOverride>,
    answer: Vec<AnswerOverride>,
}

/// Whose bodies a schema is wrong for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Bodies {
    /// Those of requests.
    Requests,
    /// Those of answers.
    Answers,
    /// Both.
    #[default]
    Both,
}

/// A schema that is wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaOverride {
    /// A JSON pointer.
    at: String,
    /// Keywords that go.
    #[serde(default)]
    remove: Vec<String>,
    /// Keywords that come.
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    bodies: Bodies,
    #[serde(rename = "reason")]
    _reason: String,
}

/// Query parameters that are not declared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryOverride {
    /// Operations by their name in the sandbox's contract; none: all.
    #[serde(default)]
    operations: Vec<String>,
    names: Vec<String>,
    #[serde(rename = "reason")]
    _reason: String,
}

/// Answers that are not declared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerOverride {
    operations: Vec<String>,
    status: u16,
    #[serde(rename = "reason")]
    _reason: String,
}

impl Overrides {
    /// Reads the file.
    pub(super) fn read() -> Result<Self, toml::de::Error> {
        toml::from_str(FILE)
    }

    /// Corrects a document, for bodies of one side.
    pub(super) fn correct(&self, document: &mut Value, side: Bodies) {
        for change in self.schema.iter().filter(|change| change.bodies == side || change.bodies == Bodies::Both) {
            let Some(Value::Object(schema)) = document.pointer_mut(&change.at) else { continue };
            for keyword in &change.remove {
                schema.remove(keyword);
            }
            schema.extend(change.set.clone());
        }
    }

    /// May this operation be given this query parameter?
    pub(super) fn knows_query(&self, operation: &str, name: &str) -> bool {
        self.query.iter().any(|query| {
            let named = query.operations.is_empty() || query.operations.iter().any(|known| known == operation);
            named && query.names.iter().any(|known| known == name)
        })
    }

    /// May this operation answer so?
    pub(super) fn knows_answer(&self, operation: &str, status: u16) -> bool {
        self.answer
            .iter()
            .any(|answer| answer.status == status && answer.operations.iter().any(|known| known == operation))
    }
}
