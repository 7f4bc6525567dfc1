//! The language of `q` and `sort`.
//!
//! After <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#querying>, as far as Penstock uses it: comparisons of a dotted path with
//! a text, number, `true`, `false` or `null`, joined by AND and OR, of which AND binds more tightly; no parentheses.

use std::cmp::Ordering;

use serde_json::Value;

/// A query: alternatives of comparisons that all must hold.
#[derive(Debug)]
pub(crate) struct Query(Vec<Vec<Comparison>>);

#[derive(Debug)]
struct Comparison {
    path: String,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equal,
    Unequal,
    Contains,
    Lacks,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

const OPERATORS: [(&str, Operator); 8] = [
    ("!=", Operator::Unequal),
    ("!~", Operator::Lacks),
    (">=", Operator::GreaterOrEqual),
    ("<=", Operator::LessOrEqual),
    ("=", Operator::Equal),
    ("~", Operator::Contains),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

impl Query {
    /// Reads a query. `None` if it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim_start();
        let mut alternatives = vec![Vec::new()];
        loop {
            let (comparison, after) = comparison(rest)?;
            alternatives.last_mut()?.push(comparison);
            rest = after.trim_start();
            if rest.is_empty() {
                return Some(Self(alternatives));
            }
            let (word, after) = rest.split_once(' ')?;
            match word {
                "AND" => {}
                "OR" => alternatives.push(Vec::new()),
                _ => return None,
            }
            rest = after.trim_start();
        }
    }

    /// Does something fit?
    pub(crate) fn fits(&self, item: &Value) -> bool {
        self.0.iter().any(|all| all.iter().all(|comparison| comparison.holds(item)))
    }
}

fn comparison(text: &str) -> Option<(Comparison, &str)> {
    let end = text.find(|character: char| !(character.is_ascii_alphanumeric() || "_.".contains(character)))?;
    let (path, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let (sign, operator) = OPERATORS.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    let rest = rest[sign.len()..].trim_start();
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let rest = &rest[values.byte_offset()..];
    let plain = !path.is_empty() && !value.is_array() && !value.is_object();
    plain.then_some((Comparison { path: path.to_owned(), operator, value }, rest))
}

impl Comparison {
    fn holds(&self, item: &Value) -> bool {
        let found = look(item, &self.path);
        let contains = || match (found, &self.value) {
            (Value::String(text), Value::String(part)) => text.to_lowercase().contains(&part.to_lowercase()),
            _ => false,
        };
        match self.operator {
            Operator::Equal => found == &self.value,
            Operator::Unequal => found != &self.value,
            Operator::Contains => contains(),
            Operator::Lacks => !contains(),
            Operator::Greater => compare(found, &self.value).is_gt(),
            Operator::GreaterOrEqual => compare(found, &self.value).is_ge(),
            Operator::Less => compare(found, &self.value).is_lt(),
            Operator::LessOrEqual => compare(found, &self.value).is_le(),
        }
    }
}

/// Sorts by a dotted path, downwards if a `-` stands before it.
pub(crate) fn sort(items: &mut [Value], by: &str) {
    let (path, down) = by.strip_prefix('-').map_or((by, false), |path| (path, true));
    items.sort_by(|one, other| {
        let order = compare(look(one, path), look(other, path));
        if down { order.reverse() } else { order }
    });
}

fn look<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(item, |item, name| &item[name])
}

fn compare(one: &Value, other: &Value) -> Ordering {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other),
        _ => one.as_str().unwrap_or_default().cmp(other.as_str().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_the_pull_request_of_a_branch() {
        let query = Query::parse(r#"source.branch.name="a \"b\"" AND state = "OPEN""#).unwrap();
        let item = |branch: &str, state: &str| json!({"source": {"branch": {"name": branch}}, "state": state});
        assert!(query.fits(&item("a \"b\"", "OPEN")));
        assert!(!query.fits(&item("a \"b\"", "MERGED")));
        assert!(!query.fits(&item("a", "OPEN")));
    }

    #[test]
    fn and_binds_more_tightly_than_or() {
        let query = Query::parse(r#"a = 1 AND b ~ "X" OR c != null"#).unwrap();
        assert!(query.fits(&json!({"a": 1, "b": "axe"})));
        assert!(query.fits(&json!({"c": true})));
        assert!(!query.fits(&json!({"a": 1, "b": "y"})));
    }

    #[test]
    fn anything_else_is_not_a_query() {
        for text in ["", "a", "a =", "= 1", "a = 'x'", "a = 1 XOR b = 2", "a = [1]", "a = 1 AND", "a = \"x"] {
            assert!(Query::parse(text).is_none(), "{text}");
        }
    }
}
