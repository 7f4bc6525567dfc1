//! Partial answers: `fields=values.id,next`, `fields=+values.x`, `fields=-links`.
//!
//! After <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#partial-response>. `+` adds to what is shown anyway; the sandbox
//! shows everything, so that it changes nothing.

use serde_json::{Map, Value};

/// Leaves out what was not asked for.
pub(crate) fn select(value: &Value, wanted: &str) -> Value {
    let paths: Vec<&str> = wanted.split(',').filter(|path| !path.is_empty()).collect();
    let named: Vec<Vec<&str>> =
        paths.iter().filter(|path| !path.starts_with(['+', '-'])).map(|path| path.split('.').collect()).collect();
    let mut shown = if named.is_empty() { value.clone() } else { keep(value, &named) };
    for path in paths.iter().filter_map(|path| path.strip_prefix('-')) {
        remove(&mut shown, &path.split('.').collect::<Vec<_>>());
    }
    shown
}

fn keep(value: &Value, paths: &[Vec<&str>]) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| keep(item, paths)).collect(),
        Value::Object(map) => {
            let mut kept = Map::new();
            for (name, inner) in map {
                let rest: Vec<Vec<&str>> = paths
                    .iter()
                    .filter(|path| path.first().is_some_and(|first| first == name || *first == "*"))
                    .map(|path| path[1..].to_vec())
                    .collect();
                if rest.iter().any(Vec::is_empty) {
                    kept.insert(name.clone(), inner.clone());
                } else if !rest.is_empty() {
                    kept.insert(name.clone(), keep(inner, &rest));
                }
            }
            Value::Object(kept)
        }
        plain => plain.clone(),
    }
}

fn remove(value: &mut Value, path: &[&str]) {
    match (value, path) {
        (Value::Array(items), _) => items.iter_mut().for_each(|item| remove(item, path)),
        (Value::Object(map), [last]) => {
            map.remove(*last);
        }
        (Value::Object(map), [first, rest @ ..]) => {
            if let Some(inner) = map.get_mut(*first) {
                remove(inner, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shows_what_was_asked_for() {
        let value = json!({"values": [{"id": 1, "user": {"uuid": "u", "links": {}}}], "next": "n", "page": 1});
        assert_eq!(
            select(&value, "values.id,values.user.uuid,next"),
            json!({"values": [{"id": 1, "user": {"uuid": "u"}}], "next": "n"})
        );
        assert_eq!(select(&value, "-values.user,-page"), json!({"values": [{"id": 1}], "next": "n"}));
        assert_eq!(select(&value, "+values.user.name"), value);
    }
}
