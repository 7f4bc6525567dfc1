//! The log: what was written cannot be changed unnoticed.

use penstock_app::track::Event;
use penstock_app::track::chain::{Broken, Head, Link, append, verify};
use proptest::prelude::*;

use super::world::World;

/// A log in two parts, as two transactions would write it.
fn log() -> (Vec<Link>, Head) {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x", "r b.rs x", "r c.rs x"]);
    let (mut links, head) = append(Head::default(), &std::mem::take(&mut world.events)).unwrap();
    world.scan("main", 2, &["r b.rs x"]);
    let (more, head) = append(head, &world.events).unwrap();
    links.extend(more);
    (links, head)
}

#[test]
fn what_was_written_holds_as_a_whole_and_in_parts() {
    let (links, head) = log();
    assert_eq!(links.len(), 5);
    assert_eq!(verify(Head::default(), &links, head), Ok(()));
    let middle = Head { number: 2, hash: links[1].hash };
    assert_eq!(verify(middle, &links[2..], head), Ok(()));
    assert_eq!(append::<Event>(head, &[]).unwrap(), (Vec::new(), head));
}

#[test]
fn links_that_are_missing_are_noticed() {
    let (links, head) = log();
    let without = |at: usize| -> Vec<Link> {
        let mut links = links.clone();
        links.remove(at);
        links
    };
    assert_eq!(verify(Head::default(), &without(1), head), Err(Broken::Gap { expected: 2, found: 3 }));
    assert_eq!(verify(Head::default(), &without(4), head), Err(Broken::End { expected: 5, found: 4 }));
    assert_eq!(verify(Head::default(), &links, Head::default()), Err(Broken::End { expected: 0, found: 5 }));
}

proptest! {
    #[test]
    fn a_changed_byte_is_noticed(link in 0_usize..5, at in any::<prop::sample::Index>(), bit in 0_u32..7, in_hash: bool) {
        let (mut links, head) = log();
        let one = &mut links[link];
        if in_hash {
            one.hash[at.index(32)] ^= 1 << bit;
        } else {
            let mut bytes = one.body.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            one.body = String::from_utf8(bytes).unwrap();
        }
        prop_assert!(verify(Head::default(), &links, head).is_err());
    }

    #[test]
    fn entries_that_changed_places_are_noticed(a in 0_usize..5, b in 0_usize..5, numbers_too: bool) {
        prop_assume!(a != b);
        let (mut links, head) = log();
        links.swap(a, b);
        if !numbers_too {
            let (first, second) = (links[a].number, links[b].number);
            (links[a].number, links[b].number) = (second, first);
        }
        prop_assert!(verify(Head::default(), &links, head).is_err());
    }
}

#[test]
fn people_stand_in_the_log_by_account_only() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    world.triage("r a.rs x", None, penstock_app::track::Status::Confirmed);
    let (links, _) = append(Head::default(), &world.events).unwrap();
    let last = &links.last().unwrap().body;
    assert!(last.contains(r#""actor":{"type":"account","id":"557058:reviewer"}"#), "{last}");
}
