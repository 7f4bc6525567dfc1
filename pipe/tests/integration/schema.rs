//! The published JSON Schemas say what the code says.
//!
//! Owns comparing `docs/schema/` with what the types give, and renewing it when asked to.

use std::path::Path;

use penstock::render::json::Document;
use penstock::settings;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::json;

/// How the files are renewed; named by the failure.
const RENEW: &str = "PENSTOCK_UPDATE=1 cargo test -p penstock --test integration schema";

fn is_current(name: &str, schema: &Schema) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema");
    let path = folder.join(name);
    let made = serde_json::to_string_pretty(schema).expect("a schema is JSON") + "\n";
    if renewing() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(&path, &made).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/schema/{name} is out of date; this renews it: {RENEW}");
}

#[expect(clippy::disallowed_methods, reason = "the program's environment is not asked, the test's is")]
fn renewing() -> bool {
    std::env::var_os("PENSTOCK_UPDATE").is_some()
}

#[test]
fn the_schema_of_a_report_is_current() {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Document<'_>>();
    is_current("run.schema.json", &schema);
}

#[test]
fn the_schema_of_the_configuration_is_current() {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with_transform(RecursiveTransform(optional));
    let mut schema = settings.into_generator().into_root_schema_for::<settings::File>();
    schema.insert("title".to_owned(), json!("penstock.toml"));
    name_fail_on(&mut schema);
    is_current("penstock.toml.schema.json", &schema);
}

/// The file is read by hand, not with serde, and every key may be left out; the type cannot tell that.
fn optional(schema: &mut Schema) {
    schema.remove("required");
}

/// `fail-on` is hidden from the type's schema by `#[serde(skip)]`.
fn name_fail_on(schema: &mut Schema) {
    let properties =
        schema.pointer_mut("/$defs/GateTable").and_then(|table| table.as_object_mut()).expect("it has a gate");
    let properties =
        properties.entry("properties").or_insert_with(|| json!({})).as_object_mut().expect("by JSON Schema");
    let fail_on = json!({
        "description": "`\"any:SEVERITY\"` or `\"never\"`.",
        "type": "string",
        "pattern": "^(never|any:(critical|high|medium|low|info))$",
    });
    let known = properties.insert("fail-on".to_owned(), fail_on);
    assert!(known.is_none(), "the type names `fail-on` by itself now: remove `name_fail_on`");
}
