//! `[gate]` of `penstock.toml`.
//!
//! Owns the grammar of conditions: `new.high = 0`, `leaked.total = { max = 0, level = "warn" }`, `coverage.patch = { min = 80, min-lines = 20 }`.
//! Which conditions are then in force is decided in `assess`.

use std::str::FromStr;

use penstock_common::gate::{Bound, Condition, Level, Metric, Missing};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value as Json};
use toml::de::DeValue;

use super::{GateTable, Key, Reader, Value};
use crate::assess::FailOn;

/// The tables of metrics.
const GROUPS: [&str; 5] = ["new", "any", "leaked", "tests", "coverage"];

impl Reader<'_> {
    pub(super) fn gate(&mut self, key: &Key<'_>, value: &Value<'_>, table: &mut GateTable) {
        let name = key.get_ref().as_ref();
        let conditions = match name {
            "fail-on" => {
                table.fail_on = Some(self.fail_on(value));
                return;
            }
            "new" => &mut table.new,
            "any" => &mut table.any,
            "leaked" => &mut table.leaked,
            "tests" => &mut table.tests,
            "coverage" => &mut table.coverage,
            _ => return self.unknown(key, &["fail-on", "new", "any", "leaked", "tests", "coverage"]),
        };
        self.table(value, |reader, key, value| {
            let Ok(metric) = format!("{name}.{}", key.get_ref()).parse::<Metric>() else {
                return reader.unknown(key, &names(name));
            };
            conditions.extend(reader.condition(metric, value));
        });
    }

    fn fail_on(&mut self, value: &Value<'_>) -> Vec<FailOn> {
        let words = match value.get_ref() {
            DeValue::Array(_) => self.strings(value),
            _ => self.string(value).map(|text| (text, value.span())).into_iter().collect(),
        };
        let mut read = Vec::new();
        for (word, span) in words {
            match FailOn::from_str(&word) {
                Ok(word) => read.push(word),
                Err(error) => self.mistake(span, error.to_string(), None),
            }
        }
        if read.contains(&FailOn::Never) && read.len() > 1 {
            self.mistake(value.span(), "`never` stands alone".to_owned(), None);
        }
        read
    }

    /// `0`, or a table.
    fn condition(&mut self, metric: Metric, value: &Value<'_>) -> Option<Condition> {
        let least = is_least(metric);
        let bound = |number| if least { Bound::AtLeast(number) } else { Bound::AtMost(number) };
        let DeValue::Table(_) = value.get_ref() else {
            return self.limit(metric, value).map(|number| of(metric, bound(number)));
        };
        let limit_key = if least { "min" } else { "max" };
        let (mut limit, mut level, mut missing, mut min_lines) = (None, Level::Block, None, None);
        let mut known = vec![limit_key, "level", "missing"];
        if metric == Metric::CoveragePatch {
            known.push("min-lines");
        }
        let mut sound = true;
        self.table(value, |reader, key, value| {
            let before = reader.mistakes.len();
            match key.get_ref().as_ref() {
                name if name == limit_key => limit = reader.limit(metric, value),
                "level" => level = reader.word(value, &LEVELS).unwrap_or_default(),
                "missing" => missing = reader.word(value, &MISSING),
                "min-lines" if metric == Metric::CoveragePatch => min_lines = reader.whole(value),
                _ => reader.unknown(key, &known),
            }
            sound &= reader.mistakes.len() == before;
        });
        let Some(limit) = limit else {
            if sound {
                let what = format!("`{metric}` has no `{limit_key}`");
                self.mistake(value.span(), what, Some(format!("write `{metric} = {{ {limit_key} = … }}`")));
            }
            return None;
        };
        let condition = Condition { level, min_lines, ..of(metric, bound(limit)) };
        // What only warns when it fails does not block when it is not known, unless it says so.
        let follows = if level == Level::Warn { Missing::Warn } else { Missing::Block };
        Some(Condition { missing: missing.unwrap_or(follows), ..condition })
    }

    /// What a metric may be bounded by: a number of things, or per cent.
    fn limit(&mut self, metric: Metric, value: &Value<'_>) -> Option<f64> {
        if !is_least(metric) {
            return self.whole(value).map(|number| number as f64);
        }
        let number = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok().map(f64::from),
            DeValue::Float(number) => number.as_str().parse().ok(),
            other => {
                self.wrong_type(value.span(), "a number from 0 to 100", other);
                return None;
            }
        };
        let number = number.filter(|number| (0.0..=100.0).contains(number));
        if number.is_none() {
            self.mistake(value.span(), "expected a number from 0 to 100".to_owned(), None);
        }
        number
    }

    fn whole(&mut self, value: &Value<'_>) -> Option<u64> {
        const EXPECTED: &str = "a whole number, 0 or more";
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(value.span(), EXPECTED, value.get_ref());
            return None;
        };
        // Beyond this, a number is no longer told from the next one.
        let whole = u32::from_str_radix(number.as_str(), number.radix()).ok();
        if whole.is_none() {
            self.mistake(value.span(), format!("expected {EXPECTED}"), None);
        }
        whole.map(u64::from)
    }

    fn word<T: Copy>(&mut self, value: &Value<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(value)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.mistake(value.span(), format!("`{text}` is not one of {}", known.join(", ")), None);
        }
        found.map(|(_, meaning)| *meaning)
    }
}

const LEVELS: [(&str, Level); 2] = [("block", Level::Block), ("warn", Level::Warn)];
const MISSING: [(&str, Missing); 3] = [("block", Missing::Block), ("warn", Missing::Warn), ("ignore", Missing::Ignore)];

fn of(metric: Metric, bound: Bound) -> Condition {
    Condition { bound, ..Condition::at_most(metric, 0.0, Level::Block) }
}

/// Whether more is better.
fn is_least(metric: Metric) -> bool {
    matches!(metric, Metric::CoveragePatch | Metric::CoverageTotal)
}

/// What is measured in a group.
fn names(group: &str) -> Vec<&'static str> {
    const ALL: [&str; 10] =
        ["critical", "high", "medium", "low", "info", "total", "allowed", "unread", "failed", "patch"];
    ALL.into_iter().filter(|name| format!("{group}.{name}").parse::<Metric>().is_ok()).collect()
}

pub(super) fn fail_on_schema(_: &mut SchemaGenerator) -> Schema {
    let word = json_schema!({"type": "string", "pattern": "^(never|(any|new):(critical|high|medium|low|info))$"});
    json_schema!({"anyOf": [word, {"type": "array", "items": word}]})
}

macro_rules! group_schemas {
    ($($function:ident = $group:literal, $default:tt);+) => { $(
        pub(super) fn $function(_: &mut SchemaGenerator) -> Schema {
            group_schema($group, serde_json::json!($default))
        }
    )+ };
}
group_schemas!(
    new_schema = "new", {
        "critical": 0, "high": 0, "allowed": {"max": 0, "level": "warn"}, "unread": {"max": 0, "level": "warn"}
    };
    any_schema = "any", {};
    leaked_schema = "leaked", {"total": {"max": 0, "level": "warn"}};
    tests_schema = "tests", {};
    coverage_schema = "coverage", {}
);

fn group_schema(group: &str, default: Json) -> Schema {
    debug_assert!(GROUPS.contains(&group));
    let names = names(group);
    let properties: Map<String, Json> = names
        .into_iter()
        .filter_map(|name| {
            let metric: Metric = format!("{group}.{name}").parse().ok()?;
            Some((name.to_owned(), condition_schema(metric)))
        })
        .collect();
    json_schema!({"type": "object", "properties": properties, "additionalProperties": false, "default": default})
}

fn condition_schema(metric: Metric) -> Json {
    let (key, number) = if is_least(metric) {
        ("min", serde_json::json!({"type": "number", "minimum": 0, "maximum": 100}))
    } else {
        ("max", serde_json::json!({"type": "integer", "minimum": 0, "maximum": u32::MAX}))
    };
    let mut properties = serde_json::json!({
        key: number,
        "level": {"enum": ["block", "warn"], "default": "block"},
        "missing": {"enum": ["block", "warn", "ignore"]},
    });
    if metric == Metric::CoveragePatch {
        properties["min-lines"] = serde_json::json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    }
    serde_json::json!({"anyOf": [
        number,
        {"type": "object", "properties": properties, "required": [key], "additionalProperties": false},
    ]})
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::read;
    use super::*;

    fn conditions(text: &str) -> Vec<String> {
        let file = read(Path::new("penstock.toml"), &format!("[gate]\n{text}")).expect("no mistake");
        let told = |one: &Condition| {
            format!("{} {} {:?} {:?} {:?}", one.metric, one.bound, one.level, one.missing, one.min_lines)
        };
        file.gate.conditions().iter().map(told).collect()
    }

    fn mistakes(text: &str) -> Vec<String> {
        let mistakes = read(Path::new("penstock.toml"), &format!("[gate]\n{text}")).expect_err("a mistake");
        mistakes
            .iter()
            .map(|m| format!("{}:{}: {}; {}", m.line, m.column, m.what, m.hint.as_deref().unwrap_or("-")))
            .collect()
    }

    #[test]
    fn conditions_are_numbers_or_tables() {
        assert_eq!(
            conditions(
                "new.high = 0\nany.critical = 2\nleaked.total = { max = 0, level = \"warn\", missing = \"ignore\" }\ncoverage.patch = { min = 80, min-lines = 20 }\ncoverage.total = 79.5\ntests.failed = {max = 0, level = \"warn\"}"
            ),
            [
                "new.high ≤ 0 Block Block None",
                "any.critical ≤ 2 Block Block None",
                "leaked.total ≤ 0 Warn Ignore None",
                "tests.failed ≤ 0 Warn Warn None",
                "coverage.patch ≥ 80 Block Block Some(20)",
                "coverage.total ≥ 79.5 Block Block None",
            ]
        );
    }

    #[test]
    fn what_cannot_be_a_condition_is_told_with_its_place() {
        assert_eq!(mistakes("new.hgh = 0"), ["2:5: unknown key `hgh`; did you mean `high`?"]);
        assert_eq!(mistakes("new.high = -1"), ["2:12: expected a whole number, 0 or more; -"]);
        assert_eq!(
            mistakes("coverage.patch = { max = 80 }"),
            ["2:20: unknown key `max`; known here: min, level, missing, min-lines"]
        );
        assert_eq!(
            mistakes("new.high = { level = \"warn\" }"),
            ["2:12: `new.high` has no `max`; write `new.high = { max = … }`"]
        );
        assert_eq!(mistakes("coverage.total = 120"), ["2:18: expected a number from 0 to 100; -"]);
        assert_eq!(
            mistakes("leaked.total = { max = 0, level = \"wran\" }"),
            ["2:35: `wran` is not one of `block`, `warn`; -"]
        );
        assert_eq!(mistakes("fail-on = [\"never\", \"any:low\"]"), ["2:11: `never` stands alone; -"]);
        assert!(mistakes("fail-on = \"old:low\"")[0].contains("`old:low` is no condition"));
    }
}
