//! The published JSON Schemas say what the code says.
//!
//! Owns comparing `docs/schema/` with what the types give, and renewing it when asked to.

use penstock::render::json::Document;
use penstock::settings;
use penstock_common::upload::v1::Upload;
use schemars::Schema;
use schemars::generate::SchemaSettings;

use crate::renew;

fn is_current(name: &str, schema: &Schema) {
    let made = serde_json::to_string_pretty(schema).expect("a schema is JSON") + "\n";
    renew::is_current(&format!("schema/{name}"), &made, "schema");
}

#[test]
fn the_schema_of_a_report_is_current() {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<Document<'_>>();
    is_current("run.schema.json", &schema);
}

#[test]
fn the_schema_of_the_configuration_is_current() {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    is_current("penstock.toml.schema.json", &settings.into_generator().into_root_schema_for::<settings::File>());
}

#[test]
fn the_schema_of_an_upload_is_current() {
    let schema = SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<Upload>();
    is_current("upload.v1.schema.json", &schema);
}
