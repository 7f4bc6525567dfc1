//! `GET /api/v1/openapi.json`: the API as a document (OpenAPI 3.1).
//!
//! Owns the document. Its schemas are made from the types that are read and written; a test holds its operations against the routes.

use axum::Json;
use penstock_common::Delivery;
use penstock_common::upload::answer::Answer;
use penstock_common::upload::v1::Upload;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{baseline, findings, runs, triage};

pub(super) async fn show() -> Json<Value> {
    Json(document())
}

/// The document.
pub fn document() -> Value {
    let mut schemas = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = |words: &str| {
        let body = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
        json!({"description": words, "content": body})
    };
    let common = |mut answers: Map<String, Value>| {
        for (status, words) in [
            ("400", "The request cannot be read"),
            ("401", "The caller is not known"),
            ("403", "The caller may not do this"),
            ("404", "There is no such thing, or not for the caller"),
            ("413", "The request is too large"),
            ("422", "The request contradicts itself, or what is known"),
            ("429", "Too many requests; `Retry-After` says when to come again"),
            ("503", "The service cannot be used now; `Retry-After` says when to come again"),
        ] {
            answers.insert(status.to_owned(), problem(words));
        }
        Value::Object(answers)
    };
    let of = |status: &str, words: &str, schema: Value| {
        let body = json!({"description": words, "content": {"application/json": {"schema": schema}}});
        Map::from_iter([(status.to_owned(), body)])
    };
    let upload = schema::<Upload>(&mut schemas);
    let answer = schema::<Answer>(&mut schemas);
    let deliveries = schema::<Vec<Delivery>>(&mut schemas);
    let wanted = schema::<triage::Wanted>(&mut schemas);
    let judged = schema::<triage::Judged>(&mut schemas);
    let mut judged_or_waits = of("200", "It holds now", judged.clone());
    judged_or_waits.extend(of("202", "It holds once a second person approves it", judged));
    let lists = [
        (
            "findings",
            "Findings on a branch, the worst first",
            parameters::<findings::Asked>(&mut schemas),
            schema::<findings::Page>(&mut schemas),
        ),
        (
            "baseline",
            "What is open on a branch, as a base to compare with",
            parameters::<baseline::Asked>(&mut schemas),
            schema::<baseline::Page>(&mut schemas),
        ),
        ("runs", "Runs, the newest first", parameters::<runs::Asked>(&mut schemas), schema::<runs::Page>(&mut schemas)),
    ];
    let uuid = |name: &str| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}});
    let mut paths = Map::new();
    for (name, words, query, page) in lists {
        let parameters: Vec<Value> = std::iter::once(uuid("repository")).chain(query).collect();
        let operation = json!({
            "operationId": name, "summary": words, "parameters": parameters,
            "responses": common(of("200", "A page", page)),
        });
        paths.insert(format!("/api/v1/repositories/{{repository}}/{name}"), json!({"get": operation}));
    }
    let key = json!({
        "name": "Idempotency-Key", "in": "header", "required": true,
        "description": "A repeated request with the same key counts once", "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,128}$"},
    });
    paths.insert(
        "/api/v1/runs".to_owned(),
        json!({"post": {
            "operationId": "send", "summary": "Send a run", "parameters": [key],
            "requestBody": {"required": true, "content": {"application/json": {"schema": upload}}},
            "responses": common(of("201", "It is kept; how far it has come stands in the answer", answer)),
        }}),
    );
    paths.insert(
        "/api/v1/runs/{run}/deliveries".to_owned(),
        json!({"post": {
            "operationId": "delivered", "summary": "Tell what came of a run's destinations", "parameters": [uuid("run")],
            "requestBody": {"required": true, "content": {"application/json": {"schema": deliveries}}},
            "responses": common(Map::from_iter([("204".to_owned(), json!({"description": "It stands in the delivery log"}))])),
        }}),
    );
    paths.insert(
        "/api/v1/repositories/{repository}/findings/{finding}/triage".to_owned(),
        json!({"post": {
            "operationId": "triage", "summary": "Judge a finding", "parameters": [uuid("repository"), uuid("finding")],
            "requestBody": {"required": true, "content": {"application/json": {"schema": wanted}}},
            "responses": common(judged_or_waits),
        }}),
    );
    paths.insert(
        "/api/v1/openapi.json".to_owned(),
        json!({"get": {
            "operationId": "openapi", "summary": "This document", "security": [],
            "responses": {"200": {"description": "It", "content": {"application/json": {"schema": {"type": "object"}}}}},
        }}),
    );
    let mut components = schemas.take_definitions(true);
    components.insert(
        "Problem".to_owned(),
        json!({
            "type": "object", "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
            },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock", "version": "1",
            "description": "Runs come in, findings are read and judged. Callers are steps of a pipeline, by their identity token, and holders of API tokens.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}, "schemas": components},
    })
}

fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

/// The fields of a query as parameters.
fn parameters<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Vec<Value> {
    let whole = T::json_schema(schemas).to_value();
    let fields = whole.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameter = |(name, mut schema): (String, Value)| {
        let words = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
        // In an address, what may be left out is never null.
        json!({"name": name, "in": "query", "description": words, "schema": without_null(schema)})
    };
    fields.into_iter().map(parameter).collect()
}

fn without_null(mut schema: Value) -> Value {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            schema["type"] = only.clone();
        }
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array)
        && let Some(first) = any.iter().find(|one| one.get("type").is_none_or(|kind| kind != "null"))
    {
        return first.clone();
    }
    schema
}
