//! How commits are related.

use std::collections::{BTreeMap, BTreeSet};

use penstock_app::bitbucket::facts::{About, base_commit, facts, standing};
use penstock_app::track::{Branch, BranchId, Commit, Standing};
use serde_json::json;

use super::world::{SHOP, World, bitbucket_at, commit, uuid};
use crate::double::Double;

/// A history with side branches and merges, each commit with its parents, the oldest first.
fn history(world: &World) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for (at, hash) in world.commits.iter().enumerate() {
        all.push((hash.clone(), at.checked_sub(1).map(|before| world.commits[before].clone()).into_iter().collect()));
    }
    for (number, from) in [1, 3].into_iter().enumerate() {
        let side = format!("side-{number}");
        world.sandbox.branch(SHOP, &side, &world.commits[from]).unwrap();
        let first = world.push(&side, &side);
        let second = world.push(&side, &format!("{side}-more"));
        all.push((first.clone(), vec![world.commits[from].clone()]));
        all.push((second.clone(), vec![first]));
        if number == 0 {
            let tip = world.sandbox.tip(SHOP, "main").unwrap();
            let pull_request = world.sandbox.open_pull_request(SHOP, "merge", &side, "main").unwrap();
            let merge = world.sandbox.merge(SHOP, pull_request).unwrap();
            all.push((merge.clone(), vec![tip, second]));
            all.push((world.push("main", "after"), vec![merge]));
        }
    }
    all
}

fn ancestors(history: &[(String, Vec<String>)]) -> BTreeMap<String, BTreeSet<String>> {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (hash, parents) in history {
        let mut reached = BTreeSet::from([hash.clone()]);
        parents.iter().for_each(|parent| reached.extend(known[parent].iter().cloned()));
        known.insert(hash.clone(), reached);
    }
    known
}

#[tokio::test]
async fn every_pair_of_a_history_is_told_as_git_has_it() {
    let world = World::new(5);
    let all = history(&world);
    let known = ancestors(&all);
    let shop = world.shop().await;
    for (one, _) in &all {
        for (other, _) in &all {
            let told = shop.is_ancestor(commit(one), commit(other)).await.unwrap();
            assert_eq!(told, known[other].contains(one), "{one} {other}");
        }
    }
    // All of it is remembered.
    let before = world.requests();
    for (other, _) in &all {
        let candidates: Vec<Commit> = all.iter().map(|(hash, _)| commit(hash)).collect();
        let newest = all.iter().rev().map(|(hash, _)| hash).find(|hash| known[other].contains(*hash)).unwrap();
        assert_eq!(shop.newest_ancestor(&candidates, commit(other)).await.unwrap(), Some(commit(newest)));
    }
    assert_eq!(world.requests(), before);
}

#[tokio::test]
async fn the_newest_ancestor_among_many_costs_two_requests() {
    let world = World::new(5);
    let all = history(&world);
    let known = ancestors(&all);
    let candidates: Vec<Commit> = all.iter().map(|(hash, _)| commit(hash)).collect();
    for (other, _) in &all {
        // With nothing remembered.
        world.tenants.forget(world.workspace);
        let shop = world.shop().await;
        let before = world.requests();
        let newest = all.iter().rev().map(|(hash, _)| hash).find(|hash| known[other].contains(*hash)).unwrap();
        assert_eq!(shop.newest_ancestor(&candidates, commit(other)).await.unwrap(), Some(commit(newest)));
        assert!(world.requests() - before <= 2, "{}", world.requests() - before);
    }
}

#[tokio::test]
async fn commits_that_are_gone_are_no_ancestors() {
    let world = World::new(4);
    let shop = world.shop().await;
    let gone = |byte: u8| Commit::from([byte; 20]);
    let real = |at: usize| commit(&world.commits[at]);
    let candidates = [gone(1), real(0), gone(2), real(1), gone(3), gone(4), real(3), gone(5)];
    assert_eq!(shop.newest_ancestor(&candidates, real(2)).await.unwrap(), Some(real(1)));
    assert_eq!(shop.newest_ancestor(&[gone(1), gone(2)], real(2)).await.unwrap(), None);
    assert_eq!(shop.newest_ancestor(&[], real(2)).await.unwrap(), None);
    // A commit that nobody knows has no ancestors, and that costs one request, not one for each.
    let before = world.requests();
    assert_eq!(shop.newest_ancestor(&candidates, gone(9)).await.unwrap(), None);
    assert_eq!(world.requests() - before, 1);
    assert!(!shop.has_commit(gone(9)).await.unwrap() && shop.has_commit(real(2)).await.unwrap());
}

#[tokio::test]
async fn when_too_much_lies_between_the_candidates_are_asked_one_by_one() {
    let (workspace, repository) = (uuid(1), uuid(2));
    let of = Commit::from([0xff; 20]);
    // The newest lies far ahead of what is asked about, the middle one is where it began.
    let candidates = [Commit::from([1; 20]), Commit::from([2; 20]), Commit::from([3; 20])];
    let double = Double::new(move |seen| {
        let includes = seen.target.matches("include=").count();
        let hash = |number: usize| json!({"hash": format!("{number:040x}")});
        let body = if seen.path().contains("/commit/") {
            json!({"hash": of.to_string()})
        } else if includes == 3 {
            let next = format!("http://{}{}&ctx=x", seen.header("host"), seen.target);
            json!({"values": (1000..1100).map(hash).collect::<Vec<_>>(), "next": next})
        } else if seen.target.contains(&format!("include={}", candidates[2])) {
            json!({"values": [hash(7)], "next": format!("http://{}{}&ctx=x", seen.header("host"), seen.target)})
        } else {
            json!({"values": []})
        };
        (200, body.to_string())
    })
    .await;
    let shop = bitbucket_at(&double.api(), workspace).await.in_repository(repository);
    assert_eq!(shop.newest_ancestor(&candidates, of).await.unwrap(), Some(candidates[1]));
    let lists = double.seen().iter().filter(|seen| seen.path().ends_with("/commits")).count();
    assert_eq!(lists, 3 + 2);
}

#[tokio::test]
async fn merge_bases_are_asked_once() {
    let world = World::new(3);
    world.sandbox.branch(SHOP, "side", &world.commits[1]).unwrap();
    let side = commit(&world.push("side", "side"));
    let (base, tip) = (commit(&world.commits[1]), commit(&world.commits[2]));
    let shop = world.shop().await;
    assert_eq!(shop.merge_base(side, tip).await.unwrap(), Some(base));
    let before = world.requests();
    assert_eq!(shop.merge_base(tip, side).await.unwrap(), Some(base));
    assert_eq!(shop.merge_base(tip, tip).await.unwrap(), Some(tip));
    assert_eq!(world.requests(), before);
    assert_eq!(shop.merge_base(tip, Commit::from([9; 20])).await.unwrap(), None);
}

#[tokio::test]
async fn where_a_commit_stands() {
    let world = World::new(5);
    let at = |number: usize| commit(&world.commits[number]);
    world.sandbox.branch(SHOP, "side", &world.commits[1]).unwrap();
    let side = commit(&world.push("side", "side"));
    let shop = world.shop().await;
    let timeline = [at(0), at(2)];
    let stands = async |commit, branch| standing(&shop, About { commit, branch, timeline: &timeline }).await.unwrap();
    assert_eq!(stands(at(4), Some("main")).await, Standing::Head);
    assert_eq!(stands(at(3), Some("main")).await, Standing::On { after: Some(at(2)) });
    assert_eq!(stands(at(2), Some("main")).await, Standing::On { after: Some(at(2)) });
    assert_eq!(stands(at(1), Some("main")).await, Standing::On { after: Some(at(0)) });
    assert_eq!(stands(side, Some("main")).await, Standing::Elsewhere);
    assert_eq!(stands(at(3), Some("none")).await, Standing::Elsewhere);
    assert_eq!(stands(at(3), None).await, Standing::Elsewhere);
    assert_eq!(stands(Commit::from([9; 20]), Some("main")).await, Standing::Elsewhere);

    let mut branch = Branch::new(BranchId(7), "main".into());
    branch.timeline = serde_json::from_value(json!({"commits": timeline, "accounts": [], "forgotten": false})).unwrap();
    let about = About { commit: side, branch: Some("side"), timeline: &[] };
    let told = facts(&shop, about, Some((&branch, at(1))), 42).await.unwrap();
    assert_eq!((told.standing, told.now), (Standing::Head, 42));
    let base = told.base.unwrap();
    assert_eq!((base.branch, base.commit, base.after), (BranchId(7), at(1), Some(at(0))));
    assert!(base_commit(&shop, BranchId(7), &timeline, Commit::from([9; 20])).await.unwrap().is_none());
}
