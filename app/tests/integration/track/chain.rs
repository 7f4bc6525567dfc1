//! The log: what was written cannot be changed unnoticed, and not without the key.

use std::collections::HashMap;

use penstock_app::crypto::{KeyId, LogKey, MasterKeys};
use penstock_app::track::Event;
use penstock_app::track::chain::{Broken, ChainId, Head, Link, LogKeys, Seal, Signer, verify, verify_seal};
use penstock_common::Uuid;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::world::World;

/// The keys that are known.
#[derive(Default)]
struct Keys(HashMap<KeyId, LogKey>);

impl LogKeys for Keys {
    fn log_key(&self, id: KeyId) -> Option<LogKey> {
        self.0.get(&id).cloned()
    }
}

fn findings(byte: u8) -> ChainId {
    ChainId::Findings { workspace: Uuid::from([1; 16]), repository: Uuid::from([byte; 16]) }
}

/// Two master keys, as after a rotation.
fn signers() -> ([Signer; 2], Keys) {
    let folder = tempfile::tempdir().unwrap();
    let keys = MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap();
    let old = keys.log_key().unwrap();
    keys.add().unwrap();
    let new = keys.log_key().unwrap();
    let known = Keys([&old, &new].map(|key| (key.id(), key.clone())).into());
    ([old, new].map(|key| Signer { chain: findings(2), key }), known)
}

/// A log in two parts, as two transactions would write it, with another key after a rotation in
/// between.
fn log() -> (Vec<Link>, Head, [Signer; 2], Keys) {
    let (signers, keys) = signers();
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x", "r b.rs x", "r c.rs x"]);
    let (mut links, head) = signers[0].append(Head::default(), &std::mem::take(&mut world.events)).unwrap();
    world.scan("main", 2, &["r b.rs x"]);
    let (more, head) = signers[1].append(head, &world.events).unwrap();
    links.extend(more);
    (links, head, signers, keys)
}

/// A log as it was written before there were keys.
fn plain(bodies: &[&str]) -> (Vec<Link>, Head) {
    let (mut head, mut links) = (Head::default(), Vec::new());
    for body in bodies {
        let mut hash = Sha256::new();
        hash.update(b"penstock log 1\0");
        hash.update((head.number + 1).to_le_bytes());
        hash.update(head.hash);
        hash.update(body.as_bytes());
        head = Head { number: head.number + 1, hash: hash.finalize().into() };
        links.push(Link { number: head.number, body: (*body).to_owned(), hash: head.hash, key: None });
    }
    (links, head)
}

#[test]
fn what_was_written_holds_as_a_whole_and_in_parts() {
    let (links, head, [_, signer], keys) = log();
    assert_eq!(links.len(), 5);
    assert_ne!(links[0].key, links[4].key, "each names the key that it was made with");
    assert_eq!(verify(&findings(2), &keys, Head::default(), &links, head), Ok(()));
    let middle = Head { number: 2, hash: links[1].hash };
    assert_eq!(verify(&findings(2), &keys, middle, &links[2..], head), Ok(()));
    assert_eq!(signer.append::<Event>(head, &[]).unwrap(), (Vec::new(), head));
}

#[test]
fn links_that_are_missing_are_noticed() {
    let (links, head, _, keys) = log();
    let check = |links: &[Link], head| verify(&findings(2), &keys, Head::default(), links, head);
    let without = |at: usize| -> Vec<Link> {
        let mut links = links.clone();
        links.remove(at);
        links
    };
    assert_eq!(check(&without(1), head), Err(Broken::Gap { expected: 2, found: 3 }));
    assert_eq!(check(&without(4), head), Err(Broken::End { expected: 5, found: 4 }));
    assert_eq!(check(&links, Head::default()), Err(Broken::End { expected: 0, found: 5 }));
}

#[test]
fn without_the_key_nothing_is_believed() {
    let (links, head, [old, _], Keys(mut known)) = log();
    known.remove(&old.key.id());
    let told = verify(&findings(2), &Keys(known), Head::default(), &links, head);
    assert_eq!(told, Err(Broken::UnknownKey { number: 1, key: old.key.id() }));
}

#[test]
fn a_log_is_that_of_one_repository() {
    let (links, head, [_, signer], keys) = log();
    let audit = ChainId::Audit { workspace: Uuid::from([1; 16]) };
    for other in [findings(3), audit] {
        assert_eq!(verify(&other, &keys, Head::default(), &links, head), Err(Broken::Changed(1)));
        assert_eq!(verify_seal(&other, &keys, head, Some(&signer.seal(head))), Err(Broken::Seal(5)));
    }
}

#[test]
fn entries_without_a_key_go_on_under_one() {
    let ([signer, _], keys) = signers();
    let (mut links, before) = plain(&["{}", "{\"a\":1}"]);
    assert_eq!(verify(&findings(2), &keys, Head::default(), &links, before), Ok(()));
    let (more, head) = signer.append(before, &["x", "y"]).unwrap();
    links.extend(more);
    assert_eq!(verify(&findings(2), &keys, Head::default(), &links, head), Ok(()));
    links[0].body = "{\"a\":2}".to_owned();
    assert_eq!(verify(&findings(2), &keys, Head::default(), &links, head), Err(Broken::Changed(1)));
}

/// With write access to the database, a log without keys can be rewritten, as whole as one that was
/// written before there were any. Its end has no seal.
#[test]
fn a_log_that_was_made_without_the_key_is_noticed_by_its_end() {
    let ([signer, _], keys) = signers();
    let (forged, end) = plain(&["{}", "{\"forged\":true}"]);
    assert_eq!(verify(&findings(2), &keys, Head::default(), &forged, end), Ok(()));
    assert_eq!(verify_seal(&findings(2), &keys, end, None), Err(Broken::Unsealed(2)));
    let other = Head { hash: [7; 32], ..end };
    assert_eq!(verify_seal(&findings(2), &keys, end, Some(&signer.seal(other))), Err(Broken::Seal(2)));
    let seal = signer.seal(end);
    assert_eq!(verify_seal(&findings(2), &keys, end, Some(&seal)), Ok(()));
    assert_eq!(Seal::from_bytes(&seal.to_bytes()), Some(seal));
    assert_eq!(Seal::from_bytes(&seal.to_bytes()[1..]), None);
    assert_eq!(verify_seal(&findings(2), &keys, Head::default(), None), Ok(()), "a log without entries needs none");
}

proptest! {
    #[test]
    fn a_changed_byte_is_noticed(link in 0_usize..5, at in any::<prop::sample::Index>(), bit in 0_u32..7, in_hash: bool) {
        let (mut links, head, _, keys) = log();
        let one = &mut links[link];
        if in_hash {
            one.hash[at.index(32)] ^= 1 << bit;
        } else {
            let mut bytes = one.body.clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            one.body = String::from_utf8(bytes).unwrap();
        }
        prop_assert!(verify(&findings(2), &keys, Head::default(), &links, head).is_err());
    }

    /// As [`a_changed_byte_is_noticed`], by an attacker who makes the hashes that need no key, from
    /// there to the end.
    #[test]
    fn what_is_made_anew_without_the_key_ends_elsewhere(link in 0_usize..5) {
        let (links, head, _, keys) = log();
        let mut at = link.checked_sub(1).map_or(Head::default(), |at| Head { number: links[at].number, hash: links[at].hash });
        let mut forged = links[..link].to_vec();
        for old in &links[link..] {
            let mut hash = Sha256::new();
            hash.update(b"penstock log 1\0");
            hash.update((at.number + 1).to_le_bytes());
            hash.update(at.hash);
            hash.update(b"{}");
            at = Head { number: old.number, hash: hash.finalize().into() };
            forged.push(Link { number: at.number, body: "{}".to_owned(), hash: at.hash, key: None });
        }
        prop_assert_eq!(verify(&findings(2), &keys, Head::default(), &forged, at), Ok(()));
        prop_assert!(verify(&findings(2), &keys, Head::default(), &forged, head).is_err());
    }

    #[test]
    fn entries_that_changed_places_are_noticed(a in 0_usize..5, b in 0_usize..5, numbers_too: bool) {
        prop_assume!(a != b);
        let (mut links, head, _, keys) = log();
        links.swap(a, b);
        if !numbers_too {
            let (first, second) = (links[a].number, links[b].number);
            (links[a].number, links[b].number) = (second, first);
        }
        prop_assert!(verify(&findings(2), &keys, Head::default(), &links, head).is_err());
    }
}

#[test]
fn people_stand_in_the_log_by_account_only() {
    let mut world = World::new();
    world.scan("main", 1, &["r a.rs x"]);
    world.triage("r a.rs x", None, penstock_app::track::Status::Confirmed);
    let ([signer, _], _) = signers();
    let (links, _) = signer.append(Head::default(), &world.events).unwrap();
    let last = &links.last().unwrap().body;
    assert!(last.contains(r#""actor":{"type":"account","id":"557058:reviewer"}"#), "{last}");
}
