//! `[[suppress]]` of `penstock.toml`.
//!
//! Owns the grammar of an entry. Which findings it means is decided in `assess`.

use globset::Glob;
use jiff::civil::Date;
use schemars::{Schema, SchemaGenerator, json_schema};
use toml::de::DeValue;

use super::{Reader, Value, nearest};
use crate::analyze::secrets::rule;
use crate::assess::Suppress;
use crate::mistake::place;

impl Reader<'_> {
    pub(super) fn suppressions(&mut self, value: &Value<'_>, entries: &mut Vec<Suppress>) {
        match value.get_ref() {
            DeValue::Array(array) => {
                for entry in array.iter() {
                    entries.push(self.suppression(entry));
                }
            }
            other => self.wrong_type(value.span(), "tables, written `[[suppress]]`,", other),
        }
    }

    fn suppression(&mut self, value: &Value<'_>) -> Suppress {
        let (line, _) = place(self.text, value.span().start);
        // Reports name it, and where the clone lies is of no use to their readers.
        let file = self.file.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut entry = Suppress { place: format!("{file}:{line}"), ..Suppress::default() };
        let before = self.mistakes.len();
        self.table(value, |reader, key, value| match key.get_ref().as_ref() {
            "rule" => entry.rule = reader.rule(value),
            "path" => entry.path = reader.glob(value),
            "fingerprint" => entry.fingerprint = reader.parsed(value, fingerprint),
            "reason" => entry.reason = reader.string(value).unwrap_or_default(),
            "until" => entry.until = reader.date(value),
            _ => reader.unknown(key, &["rule", "path", "fingerprint", "reason", "until"]),
        });
        if self.mistakes.len() > before {
            return entry;
        }
        if entry.reason.trim().is_empty() {
            let hint = "`reason = \"…\"`: who reads it later must know why";
            self.mistake(value.span(), "the suppression has no `reason`".to_owned(), Some(hint.to_owned()));
        }
        if entry.rule.is_none() && entry.path.is_none() && entry.fingerprint.is_none() {
            let hint = "name a `rule`, a `path` or a `fingerprint`";
            self.mistake(value.span(), "the suppression means everything".to_owned(), Some(hint.to_owned()));
        }
        entry
    }

    /// Ids of rules that are not built in belong to a gitleaks configuration, and are not known here.
    fn rule(&mut self, value: &Value<'_>) -> Option<String> {
        let id = self.string(value)?;
        if rule::find(&id).is_none()
            && let Some(near) = nearest(&id, rule::builtin().iter().map(|rule| rule.id))
        {
            let what = format!("there is no rule `{id}`");
            self.mistake(value.span(), what, Some(format!("did you mean `{near}`?")));
        }
        Some(id)
    }

    fn glob(&mut self, value: &Value<'_>) -> Option<String> {
        let glob = self.string(value)?;
        if let Err(error) = Glob::new(&glob) {
            self.mistake(value.span(), error.to_string(), None);
        }
        Some(glob)
    }

    fn date(&mut self, value: &Value<'_>) -> Option<Date> {
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => {
                self.wrong_type(value.span(), "a date", other);
                return None;
            }
        };
        let date = (text.len() == "2027-01-31".len()).then(|| text.parse().ok()).flatten();
        if date.is_none() {
            let hint = "write it as `2027-01-31`; it is the last day on which the suppression holds";
            self.mistake(value.span(), format!("`{text}` is no date"), Some(hint.to_owned()));
        }
        date
    }
}

fn fingerprint(text: &str) -> Result<String, String> {
    let digits = text.strip_prefix("pf1:").unwrap_or_default();
    if digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no fingerprint: `pf1:` and 32 digits, as reports show it"))
    }
}

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "default": [],
        "items": {
            "type": "object",
            "properties": {
                "rule": {"type": "string", "description": "Id of a rule."},
                "path": {"type": "string", "description": "Glob of paths from the root of the repository."},
                "fingerprint": {
                    "type": "string",
                    "pattern": "^pf1:[0-9a-f]{32}$",
                    "description": "Of one finding. A secret is meant only while its value is the one that stands in the base."
                },
                "reason": {"type": "string", "minLength": 1, "description": "Why."},
                "until": {"type": "string", "format": "date", "description": "The last day on which it holds, in UTC. In TOML with or without quotation marks."}
            },
            "required": ["reason"],
            "anyOf": [{"required": ["rule"]}, {"required": ["path"]}, {"required": ["fingerprint"]}],
            "additionalProperties": false
        }
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read;
    use super::super::tests::mistakes;

    #[test]
    fn an_entry_knows_where_it_stands() {
        let text = "\n[[suppress]]\nrule = \"jwt\"\npath = \"tests/**\"\nreason = \"made up\"\nuntil = 2027-01-31\n\n[[suppress]]\nfingerprint = \"pf1:00112233445566778899aabbccddeeff\"\nreason = \"known\"\nuntil = \"2027-01-31\"\n";
        let entries = read(Path::new("penstock.toml"), text).expect("no mistake").suppress;
        assert_eq!(entries[0].place, "penstock.toml:2");
        assert_eq!(entries[1].place, "penstock.toml:8");
        assert_eq!(entries[0].until, entries[1].until);
        assert!(entries[0].until.is_some());
    }

    #[test]
    fn mistakes_have_a_place_and_a_remedy() {
        let entry = |lines: &str| mistakes(&format!("[[suppress]]\n{lines}"));
        assert_eq!(
            entry("rule = \"jwt\"\n"),
            ["penstock.toml:1:1: the suppression has no `reason`; `reason = \"…\"`: who reads it later must know why"]
        );
        assert_eq!(
            entry("reason = \"r\"\n"),
            ["penstock.toml:1:1: the suppression means everything; name a `rule`, a `path` or a `fingerprint`"]
        );
        assert_eq!(
            entry("rule = \"jvt\"\nreason = \"r\"\n"),
            ["penstock.toml:2:8: there is no rule `jvt`; did you mean `jwt`?"]
        );
        assert!(entry("path = \"[\"\nreason = \"r\"\n")[0].starts_with("penstock.toml:2:8: "));
        assert!(entry("fingerprint = \"pf1:12\"\nreason = \"r\"\n")[0].contains("is no fingerprint"));
        for date in ["\"soon\"", "2027-13-01", "2027-01-31T00:00:00Z", "\"2027-1-1\""] {
            assert!(!entry(&format!("rule = \"jwt\"\nreason = \"r\"\nuntil = {date}\n")).is_empty(), "{date}");
        }
        assert!(mistakes("suppress = 3\n")[0].contains("expected tables, written `[[suppress]]`"));
    }
}
