//! How much of a text detectors may look at.
//!
//! Owns the byte budget. Each keyword leads to a bounded read, but where keywords are close
//! together these reads overlap: without a budget, a repeated nine-byte keyword would cost two
//! thousand bytes each time. Must not know what is searched for.

/// Budget for each byte of the text. Ordinary source needs between one and two, a file of nothing
/// but passwords five.
const PER_BYTE: u64 = 10;
/// Additional budget for any text, so that a small one is always read completely.
const BURST: u64 = 64 * 1024;

/// The same for decoded text. Its encoded form was already read, and there may be many small
/// pieces.
const PER_DECODED_BYTE: u64 = 6;

/// The budget of one text.
#[derive(Debug)]
pub(super) struct Effort {
    per_byte: u64,
    burst: u64,
    spent: u64,
    /// Number of keywords skipped because the budget was used up.
    pub(super) passed_over: u64,
}

impl Effort {
    pub(super) fn of_text() -> Self {
        Self { per_byte: PER_BYTE, burst: BURST, spent: 0, passed_over: 0 }
    }

    pub(super) fn of_decoded(length: usize) -> Self {
        Self { per_byte: PER_DECODED_BYTE, burst: 2 * length as u64, spent: 0, passed_over: 0 }
    }

    /// Counts bytes as read.
    #[inline]
    pub(super) fn spend(&mut self, bytes: usize) {
        self.spent += bytes as u64;
    }

    /// Whether no budget is left for a keyword at `at`. The budget grows with the text before it,
    /// so ordinary text after a dense part is read again.
    #[inline]
    pub(super) fn is_used_up(&mut self, at: usize) -> bool {
        if self.spent <= self.burst {
            return false;
        }
        let used_up = self.spent > self.per_byte * at as u64 + self.burst;
        self.passed_over += u64::from(used_up);
        used_up
    }

    /// All bytes read, including the text itself.
    pub(super) fn visited(&self, length: usize) -> u64 {
        self.spent + length as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::analyze::secrets::{Engine, rule};

    /// Bytes that a scan reads for each byte of `text`.
    fn cost(path: &str, text: &[u8]) -> f64 {
        let engine = Engine::new([7; 16], 0, &vec![true; rule::builtin().len()]);
        let mut scanner = engine.scanner();
        scanner.scan(Some(path.as_bytes()), text);
        scanner.visited as f64 / text.len() as f64
    }

    /// What ordinary source costs: this crate's own.
    fn ordinary() -> f64 {
        let source = [
            include_str!("report.rs"),
            include_str!("names.rs"),
            include_str!("mod.rs"),
            include_str!("detect/phrase.rs"),
        ]
        .concat();
        cost("source.rs", source.as_bytes())
    }

    const LENGTH: usize = 2 << 20;

    fn repeated(shape: &str) -> Vec<u8> {
        shape.bytes().cycle().take(LENGTH).collect()
    }

    #[test]
    fn the_shapes_that_were_seen_cost_what_ordinary_source_does() {
        for (path, shape) in [
            ("a.yml", "kind: Secret\ndata:\n"),
            ("a.yml", "kind: Secret\n"),
            ("a.txt", "password="),
            (".env", "password="),
            ("a.py", "password="),
            ("a.json", r#"{"password": "x1Y2z3W4q5","#),
        ] {
            let cost = cost(path, &repeated(shape));
            assert!(
                cost <= 10.0 * ordinary(),
                "{shape:?} in {path} costs {cost:.1}, ordinary source {:.1}",
                ordinary()
            );
        }
    }

    #[test]
    fn a_dense_line_of_ordinary_secrets_is_read_to_its_end() {
        let line: String = (0..20_000).map(|n| format!(r#"{{"user":"u{n}","password":"x7Gh2Lq9Zk{n}"}},"#)).collect();
        let engine = Engine::new([7; 16], 0, &vec![true; rule::builtin().len()]);
        let mut scanner = engine.scanner();
        let found = scanner.scan(Some(b"a.json"), line.as_bytes()).iter().filter(|one| one.reported).count();
        assert_eq!((found, scanner.passed_over), (20_000, 0));
    }

    #[test]
    fn what_is_passed_over_is_counted_and_what_follows_an_ordinary_stretch_is_read() {
        let mut text = repeated("password=\"");
        text.extend(b"\nfn main() { println!(\"ordinary\") }\n".repeat(100));
        text.extend(b"password = 'x7Gh2Lq9ZkWp'\n");
        let engine = Engine::new([7; 16], 0, &vec![true; rule::builtin().len()]);
        let mut scanner = engine.scanner();
        let last = scanner.scan(Some(b"a.py"), &text).last().map(|one| text[one.secret.clone()].to_vec());
        assert_eq!(last.as_deref(), Some(&b"x7Gh2Lq9ZkWp"[..]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn no_repeated_shape_costs_ten_times_ordinary_source(
            parts in prop::collection::vec((prop::sample::select(rule::builtin().iter().flat_map(|rule| rule.keywords.iter().copied())
                .chain(["password", "secret", "api_key", "://", "kind: Secret", "data:", "basic ", "bearer ", "insert into", "identified by",
                    "jwt.sign(", "\\u0022", "%3D", "&quot;", "curl -u "]).collect::<Vec<_>>()),
                "[=:;,\"'`<>(){} \n@/&|+$\\\\.-]{0,3}[a-zA-Z0-9]{0,6}"), 1..4),
            path in prop::sample::select(vec![".env", "a.yml", "a.py", "a.json", "a.xml", "a.sql", "a.sh", "a.txt", "a.properties"]),
        ) {
            let shape: String = parts.iter().map(|(word, sign)| format!("{word}{sign}")).collect();
            let cost = cost(path, &repeated(&shape)[..1 << 19]);
            prop_assert!(cost <= 10.0 * ordinary(), "{shape:?} in {path} costs {cost:.1}");
        }
    }
}
