//! From OpenAPI 3.0 to JSON Schema.
//!
//! Owns the differences, and nothing of Bitbucket: `nullable` becomes the type `null`; `discriminator` only helps code generators
//! and goes; a part of an `allOf` that is closed (`additionalProperties: false`) would refuse the properties of the other parts, so
//! it is opened. The rest means the same in draft 4.

use serde_json::{Map, Value, json};

/// Converts a whole document in place.
pub(super) fn convert(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(convert);
            map.remove("discriminator");
            open_parts(map);
            nullable(map);
        }
        Value::Array(items) => items.iter_mut().for_each(convert),
        _ => {}
    }
}

fn open_parts(schema: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = schema.get_mut("allOf") else { return };
    for part in parts.iter_mut().filter_map(Value::as_object_mut) {
        if part.get("additionalProperties") == Some(&Value::Bool(false)) {
            part.remove("additionalProperties");
        }
    }
}

/// A schema may be null if it says so, or if its enumeration lists it.
fn nullable(schema: &mut Map<String, Value>) {
    let declared = schema.get("nullable") == Some(&Value::Bool(true));
    let listed = matches!(schema.get("enum"), Some(Value::Array(values)) if values.contains(&Value::Null));
    if !declared && !listed {
        return;
    }
    if declared {
        schema.remove("nullable");
    }
    if let Some(Value::String(name)) = schema.get("type") {
        let types = json!([name, "null"]);
        schema.insert("type".to_owned(), types);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(mut value: Value) -> Value {
        convert(&mut value);
        value
    }

    #[test]
    fn null_is_a_type() {
        let schema = converted(json!({"properties": {
            "a": {"type": "string", "nullable": true, "enum": ["x"]},
            "b": {"type": "string", "enum": ["x", null]},
            "nullable": {"type": "boolean"},
        }}));
        let validator = jsonschema::draft4::new(&schema).unwrap();
        assert!(validator.is_valid(&json!({"a": null, "b": null, "nullable": true})));
        assert!(!validator.is_valid(&json!({"a": 1})));
        assert!(!validator.is_valid(&json!({"nullable": null})));
    }

    #[test]
    fn parts_of_a_whole_are_open_and_others_stay_closed() {
        let schema = converted(json!({"allOf": [
            {"properties": {"a": {"additionalProperties": false, "properties": {}}}},
            {"additionalProperties": false, "properties": {"b": {}}, "discriminator": {"propertyName": "type"}},
        ]}));
        let validator = jsonschema::draft4::new(&schema).unwrap();
        assert!(validator.is_valid(&json!({"a": {}, "b": 1})));
        assert!(!validator.is_valid(&json!({"a": {"c": 1}})));
    }
}
