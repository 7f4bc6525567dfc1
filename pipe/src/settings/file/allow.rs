//! `[allow]` of `penstock.toml`.
//!
//! Owns the grammar of the table. Which lines a comment covers is decided by the engine.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{AllowTable, Key, Reader, Value, suggestion};
use crate::analyze::secrets::allow::Tool;

impl Reader<'_> {
    pub(super) fn allow(&mut self, key: &Key<'_>, value: &Value<'_>, table: &mut AllowTable) {
        match key.get_ref().as_ref() {
            "require-reason" => table.require_reason = self.boolean(value),
            "tools" => table.tools = Some(self.tools(value)),
            _ => self.unknown(key, &["require-reason", "tools"]),
        }
    }

    fn tools(&mut self, value: &Value<'_>) -> Vec<Tool> {
        let mut tools = Vec::new();
        for (name, span) in self.strings(value) {
            match Tool::ALL.into_iter().find(|tool| tool.name() == name) {
                Some(tool) => tools.push(tool),
                None => {
                    let hint = suggestion(&name, &Tool::ALL.map(Tool::name));
                    self.mistake(span, format!("comments of `{name}` are not known"), Some(hint));
                }
            }
        }
        tools.sort_unstable();
        tools.dedup();
        tools
    }
}

pub(super) fn tools_schema(_: &mut SchemaGenerator) -> Schema {
    let names = Tool::ALL.map(Tool::name);
    json_schema!({"type": "array", "items": {"enum": names}, "default": names})
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read;
    use super::super::tests::mistakes;
    use super::*;

    #[test]
    fn the_table_is_read_and_errors_suggest_the_nearest_name() {
        let file = read(Path::new("x"), "[allow]\nrequire-reason = true\ntools = [\"gitleaks\", \"bandit\"]\n");
        let allow = file.expect("no mistake").allow;
        assert_eq!(allow.require_reason, Some(true));
        assert_eq!(allow.tools, Some(vec![Tool::Bandit, Tool::Gitleaks]));
        assert_eq!(
            mistakes("[allow]\nrequire-reasons = true\ntools = [\"gitleak\"]\n"),
            [
                "penstock.toml:2:1: unknown key `require-reasons`; did you mean `require-reason`?",
                "penstock.toml:3:10: comments of `gitleak` are not known; did you mean `gitleaks`?",
            ]
        );
    }
}
