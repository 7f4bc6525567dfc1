use proptest::prelude::*;

use super::*;
use crate::{Category, Confidence, FingerprintInput, Location, Severity};

/// A finding by few letters, so that likes are frequent.
#[derive(Clone, Debug)]
struct Made {
    path: u8,
    context: u8,
    ordinal: u8,
    line: u32,
    value: Option<u8>,
    lone_file: bool,
}

impl Made {
    fn finding(&self) -> Finding {
        let path = format!("file-{}", self.path);
        let context = self.context.to_string();
        let input = FingerprintInput {
            category: "secret",
            tool: "penstock",
            rule: "rule",
            path: &path,
            context: &context,
            ordinal: self.ordinal.into(),
        };
        Finding {
            category: Category::Secret,
            rule: "rule".to_owned(),
            title: String::new(),
            severity: Severity::High,
            confidence: Confidence::High,
            message: String::new(),
            fingerprints: input.fingerprints(),
            location: Location { path, start_line: self.line, start_column: 1, end_line: self.line, end_column: 2 },
            masked: None,
            validity: None,
            excerpt: None,
            related: Vec::new(),
            group: None,
            decoded_from: None,
            commit: None,
            references: Vec::new(),
            remediation: None,
            change: None,
            suppression: None,
            owners: Vec::new(),
        }
    }
}

fn made() -> impl Strategy<Value = Made> {
    let value = prop::option::weighted(0.8, 0_u8..4);
    (0_u8..3, 0_u8..3, 0_u8..2, 1_u32..9, value, any::<bool>()).prop_map(
        |(path, context, ordinal, line, value, lone)| Made { path, context, ordinal, line, value, lone_file: lone },
    )
}

fn side() -> impl Strategy<Value = Vec<Made>> {
    prop::collection::vec(made(), 0..12)
}

fn matched(head: &[Made], base: &[Made]) -> Matching {
    let findings = |side: &[Made]| side.iter().map(Made::finding).collect::<Vec<_>>();
    let (head_findings, base_findings) = (findings(head), findings(base));
    let candidates = |findings: &'static [Finding], side: &[Made]| -> Vec<Candidate<'static>> {
        let of = |(finding, made): (&'static Finding, &Made)| Candidate {
            finding,
            value: made.value.map(u128::from),
            lone_file: made.lone_file,
        };
        findings.iter().zip(side).map(of).collect()
    };
    match_findings(&candidates(head_findings.leak(), head), &candidates(base_findings.leak(), base))
}

/// How many of each kind are new and how many are gone; kinds are told apart by all that findings tell.
fn told(head: &[Made], base: &[Made]) -> (Vec<String>, Vec<String>) {
    let matching = matched(head, base);
    let new = head.iter().zip(&matching.like).filter(|(_, like)| like.is_none());
    let mut new: Vec<String> = new.map(|(made, _)| format!("{made:?}")).collect();
    let mut gone: Vec<String> = matching.gone.iter().map(|&at| format!("{:?}", base[at])).collect();
    new.sort();
    gone.sort();
    (new, gone)
}

proptest! {
    #[test]
    fn counts_conserve_and_each_has_one_like(head in side(), base in side()) {
        let matching = matched(&head, &base);
        let mut likes: Vec<usize> = matching.like.iter().flatten().copied().collect();
        prop_assert_eq!(likes.len() + matching.gone.len(), base.len());
        likes.extend(&matching.gone);
        likes.sort_unstable();
        prop_assert_eq!(likes, (0..base.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_like_has_the_same_value(head in side(), base in side()) {
        for (made, like) in head.iter().zip(matched(&head, &base).like) {
            if let Some(like) = like {
                prop_assert_eq!(made.value, base[like].value);
            }
        }
    }

    #[test]
    fn the_order_leaves_no_trace(head in side(), base in side(), seed in any::<u64>()) {
        let unequal = |side: &[Made]| -> Vec<Made> {
            // Findings that are told alike and differ in their value only cannot stand at one place of one file.
            let mut side = side.to_vec();
            side.iter_mut().enumerate().for_each(|(at, made)| made.line = at as u32 + 1);
            side
        };
        let (head, base) = (unequal(&head), unequal(&base));
        let shuffled = |side: &[Made]| {
            let mut side = side.to_vec();
            let length = side.len();
            for at in 0..length {
                side.swap(at, (seed as usize).wrapping_mul(at + 7) % length);
            }
            side
        };
        prop_assert_eq!(told(&head, &base), told(&shuffled(&head), &shuffled(&base)));
    }

    #[test]
    fn what_only_moved_is_not_new(base in side(), by in 1_u32..1000) {
        let head: Vec<Made> = base.iter().map(|made| Made { line: made.line + by, ..made.clone() }).collect();
        prop_assert_eq!(told(&head, &base), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_stands_in_a_renamed_file_is_not_new(base in side()) {
        // One file, renamed: only it is on one side.
        let file = |path: u8| -> Vec<Made> { base.iter().map(|made| Made { path, lone_file: true, ..made.clone() }).collect() };
        prop_assert_eq!(told(&file(9), &file(0)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn another_value_is_new(base in side(), at in any::<prop::sample::Index>()) {
        prop_assume!(!base.is_empty());
        let mut head = base.clone();
        let changed = at.index(head.len());
        head[changed].value = Some(99);
        let matching = matched(&head, &base);
        prop_assert_eq!(matching.like[changed], None);
        prop_assert_eq!(matching.gone.len(), 1);
    }
}

#[test]
fn a_copy_is_new() {
    let one = Made { path: 0, context: 0, ordinal: 0, line: 1, value: Some(1), lone_file: false };
    let copy = Made { path: 1, lone_file: true, ..one.clone() };
    let matching = matched(&[one.clone(), copy], &[one]);
    assert_eq!(matching.like, [Some(0), None]);
}
