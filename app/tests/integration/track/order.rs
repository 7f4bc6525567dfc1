//! Neither the order in which runs arrive nor that of their findings leaves a trace in the state.

use std::collections::BTreeMap;

use penstock_app::track::{Branch, Kind, Occurrence, Stamp};
use proptest::prelude::*;

use super::scans::{Scan, scan, words, words_alike};
use super::world::{World, code, lint, rows_written};

/// The state of the main branch without what tells the story: ids, and how often and when something was seen to come back. Of what is open, only
/// that it is open is kept: its newest sighting need not be written.
/// Where findings stand, by path and rule.
type Standing = BTreeMap<(String, String), (Occurrence, Option<Stamp>)>;

fn told(world: &World) -> (Option<Branch>, Standing) {
    let Some(main) = world.state.main() else { return (None, BTreeMap::new()) };
    let rows = world.state.occurrences(main).map(|row| {
        let finding = world.state.finding(row.finding).unwrap();
        let seen = row.gone.map(|_| row.seen);
        let mut row = row.clone();
        // Which run contradicts another one is part of the story, too.
        (row.finding, row.reopened, row.gap, row.denied) = (penstock_app::track::FindingId(0), 0, None, None);
        row.seen = row.first;
        if seen.is_none() {
            row.configuration = penstock_app::track::Print(0);
        }
        ((finding.rule.to_string(), row.path.to_string()), (row, seen))
    });
    (world.state.branch(main).cloned(), rows.collect())
}

fn arrive(scans: &[(usize, Scan)]) -> World {
    arrive_with(scans, words)
}

fn arrive_with(scans: &[(usize, Scan)], words: fn(&str, u8) -> String) -> World {
    let mut world = World::new();
    (4..=6).for_each(|number| world.push("main", number));
    for (id, scan) in scans {
        world.apply(&scan.run_with(1000 + *id as u128, "main", words));
    }
    world
}

fn shuffled<T>(list: Vec<T>) -> impl Strategy<Value = (Vec<T>, Vec<T>)>
where
    T: Clone + std::fmt::Debug + 'static,
{
    (Just(list.clone()), Just(list).prop_shuffle())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_order_of_arrival_ends_in_the_same_state(
        (one, other) in prop::collection::vec(scan(1..7), 0..8)
            .prop_map(|scans| scans.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(shuffled)
    ) {
        prop_assert_eq!(told(&arrive(&one)), told(&arrive(&other)));
    }

    /// Which of two alike was renamed may be told differently, but never what is there in the files.
    #[test]
    fn any_order_of_arrival_ends_with_the_same_places(
        (one, other) in prop::collection::vec(scan(1..7).prop_map(Scan::of_files), 0..8)
            .prop_map(|scans| scans.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(shuffled)
    ) {
        let open = |scans| arrive_with(scans, words_alike).open("main");
        prop_assert_eq!(open(&one), open(&other));
    }

    #[test]
    fn a_run_that_is_repeated_changes_nothing(scans in prop::collection::vec(scan(1..7), 1..6), at in any::<prop::sample::Index>()) {
        let scans: Vec<_> = scans.into_iter().enumerate().collect();
        let mut world = arrive(&scans);
        let (id, scan) = at.get(&scans);
        prop_assert!(world.apply(&scan.run(1000 + *id as u128, "main")).changes.is_empty());
        // The same by another name, as when a step is run again, right after the newest: nothing but the branch's account.
        // On a commit of which no other run says anything else.
        world.push("main", 7);
        let mut newest = Scan { commit: 7, at: 50, ..scan.clone() };
        newest.parts.iter_mut().for_each(|part| (part.complete, part.scope) = (true, "tree ."));
        world.apply(&newest.run(2000, "main"));
        let again = world.apply(&Scan { at: newest.at + 9, ..newest }.run(2001, "main"));
        prop_assert_eq!(rows_written(&again), 0);
    }

    #[test]
    fn the_order_of_findings_leaves_no_trace(
        (one, other) in prop::collection::vec((0_u8..3, 0_u8..2, 0_u8..3, 0_u128..3), 0..8).prop_flat_map(shuffled)
    ) {
        let sightings = |made: &[(u8, u8, u8, u128)]| -> Vec<_> {
            let of = |&(path, context, own, content): &(u8, u8, u8, u128)| {
                let mut sighting = code(&format!("r {path}.rs {context}"));
                sighting.own = (0..own).map(|own| penstock_app::track::Print(own.into())).collect();
                sighting.content.0 ^= content;
                sighting
            };
            made.iter().map(of).collect()
        };
        let end = |made: &[(u8, u8, u8, u128)]| {
            let mut world = World::new();
            // Names that fit several findings, so that there is something to choose.
            world.scan_with("main", 1, vec![lint(&sightings(&[(0, 0, 2, 0), (1, 0, 1, 0), (2, 1, 0, 0)]))]);
            let sightings = sightings(made);
            let applied = world.scan_with("main", 2, vec![lint(&sightings)]);
            let mut matched: Vec<_> = sightings.into_iter().zip(applied.matched[0].clone()).collect();
            matched.sort();
            (applied.changes, matched)
        };
        prop_assert_eq!(end(&one), end(&other));
    }

    #[test]
    fn events_tell_the_state(scans in prop::collection::vec(scan(1..7), 0..8)) {
        let scans: Vec<_> = scans.into_iter().enumerate().collect();
        let world = arrive(&scans);
        let Some(main) = world.state.main() else { return Ok(()) };
        for row in world.state.occurrences(main) {
            let mut last = None;
            let mut reopened = 0;
            for event in world.events.iter().filter(|event| event.finding == Some(row.finding)) {
                let follows = match event.kind {
                    Kind::Introduced => last.is_none(),
                    Kind::Reopened => matches!(last, Some(Kind::Fixed | Kind::Removed)),
                    // What is gone may turn out to be gone in another way.
                    Kind::Fixed | Kind::Removed => last.is_some_and(|last| last != event.kind),
                    _ => true,
                };
                prop_assert!(follows, "{:?} after {last:?}", event.kind);
                reopened += u32::from(event.kind == Kind::Reopened);
                last = Some(event.kind);
            }
            prop_assert_eq!(row.is_open(), matches!(last, Some(Kind::Introduced | Kind::Reopened)));
            prop_assert_eq!(row.reopened, reopened);
        }
    }
}
