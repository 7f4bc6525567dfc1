//! `--field`: the parts of a query or body.

use serde_json::{Map, Value};

use super::Mistake;

/// Fields in the order in which they were given.
pub(super) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Reads `name=text` and `name:=json`.
    pub(super) fn read(given: &[String]) -> Result<Self, Mistake> {
        let one = |text: &String| {
            let (name, value) =
                text.split_once('=').filter(|(name, _)| !matches!(*name, "" | ":")).ok_or(Mistake::Field)?;
            match name.strip_suffix(':') {
                Some(name) => {
                    let value = serde_json::from_str(value).map_err(|_| Mistake::FieldJson(name.to_owned()))?;
                    Ok((name.to_owned(), value))
                }
                None => Ok((name.to_owned(), Value::from(value))),
            }
        };
        given.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a body. Of fields with the same name the last counts.
    pub(super) fn object(&self) -> Map<String, Value> {
        self.0.iter().cloned().collect()
    }

    /// As a query. Fields with the same name all count.
    pub(super) fn query(&self) -> impl Iterator<Item = (&str, String)> {
        self.0.iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(given: &[&str]) -> Result<Fields, Mistake> {
        Fields::read(&given.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn fields_are_text_or_json() {
        let fields = read(&["q=a=b", "n:=7", "content:={\"raw\":\"x\"}", "empty="]).expect("fields");
        assert_eq!(Value::Object(fields.object()), json!({"q": "a=b", "n": 7, "content": {"raw": "x"}, "empty": ""}));
        let query: Vec<_> = fields.query().collect();
        assert_eq!(query[1], ("n", "7".to_owned()));
        assert_eq!(query[2], ("content", "{\"raw\":\"x\"}".to_owned()));
    }

    #[test]
    fn mistakes_do_not_repeat_the_value() {
        for bad in ["", "name", "=x", ":=x", "name:=canary"] {
            let error = read(&[bad]).err().expect("a mistake");
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }
}
