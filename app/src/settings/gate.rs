//! Conditions of a gate as people write them: one a line, such as `new.high <= 0` or `any.critical <= 3 warn`.
//!
//! Owns that syntax, and which conditions may stand under every gate: only what the app can measure, because what is unknown blocks.

use penstock_common::gate::{Bound, Condition, Level, Metric};
use serde::Serializer;

/// Most conditions.
const MOST: usize = 40;
/// Most characters of a word that is told back.
const WORD_MAX: usize = 40;
/// The largest limit. Beyond it numbers are not exact, and no repository has as many findings.
const LIMIT_MAX: f64 = 1_000_000.0;

/// A line that is no condition. Counted from 1; 0 for what is not about one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", if *.line > 0 { format!("line {}: ", .line) } else { String::new() })]
pub struct WrongLine {
    line: usize,
    why: String,
}

impl WrongLine {
    pub(super) fn unreadable() -> Self {
        Self { line: 0, why: "these are no conditions".to_owned() }
    }
}

/// Reads lines. Empty ones are passed over.
pub(super) fn read(text: &str) -> Result<Vec<Condition>, WrongLine> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        all.push(condition(line).map_err(|why| WrongLine { line: at + 1, why })?);
        if all.len() > MOST {
            return Err(WrongLine { line: at + 1, why: format!("there are more than {MOST} conditions") });
        }
    }
    Ok(all)
}

/// The same as lines.
pub(super) fn lines(conditions: &[Condition]) -> String {
    conditions.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The same as a list of lines, for whoever keeps them.
pub(super) fn write<S: Serializer>(conditions: &[Condition], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(conditions.iter().map(line))
}

fn line(condition: &Condition) -> String {
    let (sign, limit) = match condition.bound {
        Bound::AtMost(limit) => ("<=", limit),
        Bound::AtLeast(limit) => (">=", limit),
    };
    let level = if condition.level == Level::Warn { " warn" } else { "" };
    format!("{} {sign} {limit}{level}", condition.metric)
}

/// Whether all of them may stand under a gate.
pub(super) fn check(conditions: &[Condition]) -> Result<(), WrongLine> {
    if conditions.len() > MOST {
        return Err(WrongLine { line: 0, why: format!("there are more than {MOST} conditions") });
    }
    conditions.iter().try_for_each(may_stand).map_err(|why| WrongLine { line: 0, why })
}

fn condition(text: &str) -> Result<Condition, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (metric, sign, limit, level) = match words[..] {
        [metric, sign, limit] => (metric, sign, limit, Level::Block),
        [metric, sign, limit, "block"] => (metric, sign, limit, Level::Block),
        [metric, sign, limit, "warn"] => (metric, sign, limit, Level::Warn),
        _ => {
            return Err(
                "write `METRIC <= NUMBER`, such as `new.high <= 0`, and `warn` behind it if it shall not block"
                    .to_owned(),
            );
        }
    };
    let metric: Metric = metric.parse().map_err(|_| {
        format!(
            "`{}` is nothing that is measured: there are such as `new.high`, `any.total`, `leaked.total`",
            cut(metric)
        )
    })?;
    if !matches!(sign, "<=" | "≤" | "=<") {
        return Err(format!("`{}` must be `<=`: findings are counted, and fewer are better", cut(sign)));
    }
    let limit: f64 = limit.parse().map_err(|_| format!("`{}` is no number", cut(limit)))?;
    let condition = Condition::at_most(metric, limit, level);
    may_stand(&condition).map(|()| condition)
}

fn may_stand(condition: &Condition) -> Result<(), String> {
    match condition.metric {
        Metric::New(_) | Metric::Any(_) | Metric::Leaked(_) | Metric::NewAllowed | Metric::NewUnread => {}
        Metric::TestsFailed | Metric::CoveragePatch | Metric::CoverageTotal => {
            return Err(format!(
                "`{}` is not measured by the app, and what is unknown blocks every change",
                condition.metric
            ));
        }
    }
    match condition.bound {
        Bound::AtMost(limit) if limit.fract() == 0.0 && (0.0..=LIMIT_MAX).contains(&limit) => Ok(()),
        _ => Err(format!("the limit of `{}` must be a whole number from 0 to {LIMIT_MAX}", condition.metric)),
    }
}

fn cut(word: &str) -> String {
    penstock_common::plain::cut(word, WORD_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_read_and_written_back() {
        let text = "new.high <= 0\nany.critical <= 3 warn\nleaked.total <= 0";
        let read = read(&format!("\n {} \n\n", text.replace("high <=", "high   ≤"))).unwrap();
        assert_eq!((read.len(), lines(&read).as_str()), (3, text));
        assert_eq!(check(&read), Ok(()));
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, words) in [
            ("new.high <= 0\nnew.hgih <= 0", "line 2: `new.hgih` is nothing that is measured"),
            ("new.high", "line 1: write"),
            ("new.high >= 0", "line 1: `>=` must be `<=`"),
            ("new.high <= x", "line 1: `x` is no number"),
            ("new.high <= -1", "whole number"),
            ("new.high <= 0.5", "whole number"),
            ("new.high <= NaN", "whole number"),
            ("new.high <= inf", "whole number"),
            ("coverage.patch <= 80", "is not measured by the app"),
            ("new.high <= 0 never", "line 1: write"),
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.contains(words), "{text}: {told}");
        }
        assert!(read(&"new.high <= 0\n".repeat(MOST)).is_ok());
        assert!(read(&"new.high <= 0\n".repeat(MOST + 1)).unwrap_err().to_string().contains("more than"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_in_bounded_words(text in "\\PC{0,200}") {
            if let Err(wrong) = read(&text) {
                prop_assert!(wrong.to_string().chars().count() < 300);
            }
        }
    }
}
