use proptest::prelude::*;

use super::*;
use crate::masked::verbatim::verbatim;
use crate::{Category, Confidence, FingerprintInput, Location, Severity};

/// A finding by few letters, so that likes are frequent.
#[derive(Clone, Debug)]
struct Made {
    path: u8,
    context: u8,
    ordinal: u8,
    line: u32,
    value: Option<u8>,
    /// The value of the second half.
    second: Option<u8>,
    lone_file: bool,
}

impl Made {
    /// Its value; an id with a secret has both.
    fn parts(&self) -> Vec<Part> {
        let part = |kind: &str, column, value: u8| {
            let mut location = self.finding().location;
            location.start_column = column;
            Part { kind: kind.to_owned(), location, value: value.into() }
        };
        let id = self.value.map(|value| part("rule", 1, value));
        id.into_iter().chain(self.second.map(|value| part("second", 9, value))).collect()
    }

    fn finding(&self) -> Finding {
        let path = verbatim(&format!("file-{}", self.path));
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
            rule: "rule".into(),
            title: Masked::EMPTY,
            severity: Severity::High,
            confidence: Confidence::High,
            message: Masked::EMPTY,
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
    let value = prop::option::weighted(0.8, (0_u8..4, prop::option::weighted(0.4, 0_u8..4)));
    (0_u8..3, 0_u8..3, 0_u8..2, 1_u32..9, value, any::<bool>()).prop_map(
        |(path, context, ordinal, line, value, lone_file)| {
            let (value, second) = (value.map(|(first, _)| first), value.and_then(|(_, second)| second));
            Made { path, context, ordinal, line, value, second, lone_file }
        },
    )
}

fn side() -> impl Strategy<Value = Vec<Made>> {
    prop::collection::vec(made(), 0..12)
}

fn candidates<'a>(findings: &'a [Finding], parts: &'a [Vec<Part>], side: &[Made]) -> Vec<Candidate<'a>> {
    let of = |((finding, parts), made): ((&'a Finding, &'a Vec<Part>), &Made)| Candidate {
        finding,
        parts,
        lone_file: made.lone_file,
    };
    findings.iter().zip(parts).zip(side).map(of).collect()
}

fn matched(head: &[Made], base: &[Made]) -> Matching {
    let findings = |side: &[Made]| side.iter().map(Made::finding).collect::<Vec<_>>();
    let (head_findings, base_findings) = (findings(head), findings(base));
    let parts = |side: &[Made]| side.iter().map(Made::parts).collect::<Vec<_>>();
    let (head_parts, base_parts) = (parts(head), parts(base));
    match_findings(&candidates(&head_findings, &head_parts, head), &candidates(&base_findings, &base_parts, base))
}

/// How many of each kind are new and how many are gone; kinds are told apart by all that findings tell.
fn told(head: &[Made], base: &[Made]) -> (Vec<String>, Vec<String>) {
    let matching = matched(head, base);
    let new = head.iter().zip(&matching.like).filter(|(_, like)| like.is_empty());
    let mut new: Vec<String> = new.map(|(made, _)| format!("{made:?}")).collect();
    let mut gone: Vec<String> = matching.gone.iter().map(|&at| format!("{:?}", base[at])).collect();
    new.sort();
    gone.sort();
    (new, gone)
}

proptest! {
    #[test]
    fn counts_conserve_and_each_has_one_like(head in side(), base in side()) {
        let single = |side: Vec<Made>| side.into_iter().map(|made| Made { second: None, ..made }).collect::<Vec<_>>();
        let matching = matched(&single(head), &single(base.clone()));
        let mut likes: Vec<usize> = matching.like.iter().flatten().copied().collect();
        prop_assert_eq!(likes.len() + matching.gone.len(), base.len());
        likes.extend(&matching.gone);
        likes.sort_unstable();
        prop_assert_eq!(likes, (0..base.len()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_known_has_all_its_values_in_the_base(head in side(), base in side()) {
        let count = |side: &[Made], which: fn(&Made) -> Option<u8>, value: u8| {
            let mut places: Vec<_> = side.iter().filter(|made| which(made) == Some(value)).collect();
            places.dedup_by_key(|made| (made.path, made.line));
            places.len()
        };
        for (made, like) in head.iter().zip(matched(&head, &base).like) {
            if !like.is_empty() {
                for which in [|made: &Made| made.value, |made: &Made| made.second] {
                    prop_assert!(which(made).is_none_or(|value| count(&base, which, value) > 0));
                }
                prop_assert!(like.iter().all(|at| *at < base.len()));
            }
        }
    }

    #[test]
    fn which_half_is_paired_with_which_makes_nothing_new(base in side(), by in 0_usize..12) {
        // One file, and every value on a line of its own, because `head` may pair them differently.
        let lines = |side: Vec<Made>| -> Vec<Made> {
            let line = |(at, made): (usize, Made)| Made { path: 0, line: at as u32 + 1, lone_file: false, ..made };
            side.into_iter().filter(|made| made.second.is_some()).enumerate().map(line).collect()
        };
        let base = lines(base);
        let mut head = base.clone();
        for at in 0..head.len() {
            head[at].second = base[(at + by) % base.len()].second;
        }
        prop_assert_eq!(told(&head, &base), (Vec::new(), Vec::new()));
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
    fn another_value_is_new(base in side(), at in any::<prop::sample::Index>(), is_second in any::<bool>()) {
        prop_assume!(!base.is_empty());
        // Two findings on one line of a file may share a value; here each has a line of its own.
        let base: Vec<Made> =
            base.into_iter().enumerate().map(|(at, made)| Made { line: at as u32 + 1, ..made }).collect();
        let mut head = base.clone();
        let changed = at.index(head.len());
        if is_second {
            head[changed].value = head[changed].value.or(Some(98));
            head[changed].second = Some(99);
        } else {
            head[changed].value = Some(99);
        }
        let matching = matched(&head, &base);
        prop_assert!(matching.like[changed].is_empty());
        prop_assert!(matching.like.iter().enumerate().all(|(at, like)| at == changed || !like.is_empty()));
    }
}

#[test]
fn a_copy_is_new() {
    let one = Made { path: 0, context: 0, ordinal: 0, line: 1, value: Some(1), second: None, lone_file: false };
    let copy = Made { path: 1, lone_file: true, ..one.clone() };
    let matching = matched(&[one.clone(), copy], &[one]);
    assert_eq!(matching.like, [vec![0], vec![]]);
}

#[test]
fn a_pair_is_known_only_by_both_halves() {
    let id = Made { path: 0, context: 0, ordinal: 0, line: 1, value: Some(1), second: None, lone_file: false };
    let with = |second| Made { second: Some(second), ..id.clone() };
    let is_new = |head: &[Made], base: &[Made]| matched(head, base).like.iter().map(Vec::is_empty).collect::<Vec<_>>();
    assert_eq!(is_new(&[with(2)], std::slice::from_ref(&id)), [true], "the secret was added");
    assert_eq!(is_new(&[with(3)], &[with(2)]), [true], "the secret was replaced");
    assert_eq!(is_new(&[Made { value: Some(9), ..with(2) }], &[with(2)]), [true], "the id was replaced");
    assert_eq!(is_new(&[with(2), with(3)], &[with(2)]), [false, true], "a second secret under one id");
    assert_eq!(is_new(std::slice::from_ref(&id), &[with(2)]), [false], "only the secret went");
    assert_eq!(matched(&[with(2)], &[id]).gone, [0_usize; 0], "an id that got a secret is not gone");
}
