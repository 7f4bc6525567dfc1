//! Every question once, of the sandbox.

use penstock_app::bitbucket::{Error, POLICY_MAX, Ref, State};
use penstock_common::Uuid;
use penstock_sandbox::Commit;

use super::world::{SHOP, World, commit, uuid};

#[tokio::test]
async fn a_repository_keeps_its_id_under_another_name() {
    let world = World::new(1);
    let shop = world.shop().await;
    let told = shop.get().await.unwrap().unwrap();
    assert_eq!((told.id, told.workspace), (world.repository, world.workspace));
    assert_eq!((told.slug.as_str(), told.full_name.as_str()), ("shop", SHOP));
    assert_eq!((told.main_branch.as_deref(), told.is_private, told.parent), (Some("main"), true, None));
    world.sandbox.rename_repository(SHOP, "acme/store").unwrap();
    world.sandbox.set_private("acme/store", false).unwrap();
    let told = shop.get().await.unwrap().unwrap();
    assert_eq!((told.slug.as_str(), told.is_private), ("store", false));
    world.sandbox.delete_repository("acme/store").unwrap();
    assert_eq!(shop.get().await.unwrap(), None);
    assert!(matches!(shop.branches().await, Err(error @ Error::Refused(_)) if error.is_not_found()));
}

#[tokio::test]
async fn a_fork_names_what_it_is_a_fork_of() {
    let world = World::new(1);
    world.sandbox.fork(SHOP, "acme/fork").unwrap();
    let step = world.sandbox.branch_step("acme/fork", "main").unwrap();
    let fork = world.bitbucket().await.in_repository(step.repository().parse().unwrap());
    assert_eq!(fork.get().await.unwrap().unwrap().parent, Some(world.repository));
}

#[tokio::test]
async fn branches_and_their_heads() {
    let world = World::new(2);
    let odd = "feature/ä %2F#?";
    world.sandbox.branch(SHOP, "feature/x", &world.commits[0]).unwrap();
    let shop = world.shop().await;
    assert_eq!(shop.branch("main").await.unwrap(), Some(commit(&world.commits[1])));
    assert_eq!(shop.branch("feature/x").await.unwrap(), Some(commit(&world.commits[0])));
    for none in [odd, "none", "..", ".", ""] {
        assert_eq!(shop.branch(none).await.unwrap(), None, "{none}");
    }
    let mut names: Vec<String> = shop.branches().await.unwrap().into_iter().map(|branch| branch.name.into()).collect();
    names.sort();
    assert_eq!(names, ["feature/x", "main"]);
}

#[tokio::test]
async fn a_pipeline_says_what_it_ran_on() {
    let world = World::new(2);
    let step = world.sandbox.branch_step(SHOP, "main").unwrap();
    let pipeline: Uuid = step.pipeline().parse().unwrap();
    let shop = world.shop().await;
    let told = shop.pipeline(pipeline).await.unwrap().unwrap();
    assert_eq!((told.id, told.commit), (pipeline, commit(step.commit())));
    assert_eq!((told.on, told.pull_request), (Ref::Branch("main".into()), None));
    assert_eq!(shop.pipeline(uuid(9)).await.unwrap(), None);
    // Of another repository of the same workspace.
    world.sandbox.repository("acme/other").unwrap();
    world.sandbox.push("acme/other", "main", &Commit::new("x").write("x", "x")).unwrap();
    let other = world.sandbox.branch_step("acme/other", "main").unwrap();
    assert_eq!(shop.pipeline(other.pipeline().parse().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn pull_requests_with_full_commits() {
    let world = World::new(2);
    world.sandbox.branch(SHOP, "change", "main").unwrap();
    let head = world.push("change", "b.txt");
    let number = world.sandbox.open_pull_request(SHOP, "A change", "change", "main").unwrap();
    let shop = world.shop().await;
    let told = shop.pull_request(number).await.unwrap().unwrap();
    assert_eq!((told.number, told.title.as_str(), told.state), (number, "A change", State::Open));
    assert_eq!((told.source.branch.as_deref(), told.source.head), (Some("change"), Some(commit(&head))));
    assert_eq!((told.source.repository, told.destination.as_str()), (Some(world.repository), "main"));
    assert!(!told.is_from_fork(world.repository) && told.author.uuid.is_some());
    assert_eq!(shop.pull_request(99).await.unwrap(), None);

    // What a short hash stands for is asked once.
    let before = world.requests();
    assert_eq!(shop.open_pull_requests(10).await.unwrap(), (vec![told.clone()], false));
    assert_eq!(world.requests() - before, 1);

    let merge = world.sandbox.merge(SHOP, number).unwrap();
    let told = shop.pull_request(number).await.unwrap().unwrap();
    assert_eq!(told.state, State::Merged { commit: Some(commit(&merge)) });
    assert_eq!(shop.open_pull_requests(10).await.unwrap(), (vec![], false));

    world.sandbox.branch(SHOP, "again", "main").unwrap();
    world.push("again", "c.txt");
    let second = world.sandbox.open_pull_request(SHOP, "Again", "again", "main").unwrap();
    world.sandbox.decline(SHOP, second).unwrap();
    assert_eq!(shop.pull_request(second).await.unwrap().unwrap().state, State::Closed);
}

#[tokio::test]
async fn a_pull_request_of_a_fork_and_of_one_that_is_gone() {
    let world = World::new(1);
    world.sandbox.fork(SHOP, "else/fork").unwrap();
    let head = world.sandbox.push("else/fork", "main", &Commit::new("theirs").write("b", "b")).unwrap();
    let number = world.sandbox.open_pull_request_from("else/fork", "main", SHOP, "main").unwrap();
    let shop = world.shop().await;
    let told = shop.pull_request(number).await.unwrap().unwrap();
    assert!(told.is_from_fork(world.repository) && told.source.repository.is_some());
    assert_eq!(told.source.head, Some(commit(&head)), "the destination has the fork's commits too");
    world.sandbox.delete_repository("else/fork").unwrap();
    let told = shop.pull_request(number).await.unwrap().unwrap();
    assert!(told.is_from_fork(world.repository));
    assert_eq!(told.source.repository, None);
}

#[tokio::test]
async fn only_as_many_pull_requests_as_were_asked_for() {
    let world = World::new(1);
    for number in 0..3 {
        let branch = format!("b{number}");
        world.sandbox.branch(SHOP, &branch, "main").unwrap();
        world.push(&branch, &branch);
        world.sandbox.open_pull_request(SHOP, &branch, &branch, "main").unwrap();
    }
    let shop = world.shop().await;
    let numbers = |told: &[penstock_app::bitbucket::PullRequest]| told.iter().map(|one| one.number).collect::<Vec<_>>();
    let (told, more) = shop.open_pull_requests(2).await.unwrap();
    assert_eq!((numbers(&told), more), (vec![3, 2], true));
    let (told, more) = shop.open_pull_requests(3).await.unwrap();
    assert_eq!((numbers(&told), more), (vec![3, 2, 1], false));
}

#[tokio::test]
async fn a_file_at_a_commit_is_bounded() {
    let world = World::new(1);
    let large = "x".repeat(POLICY_MAX + 1);
    let files = Commit::new("files").write("penstock.toml", "[gate]\n").write("large.toml", &large);
    let at = commit(&world.sandbox.push(SHOP, "main", &files).unwrap());
    let shop = world.shop().await;
    assert_eq!(shop.file(at, "penstock.toml", POLICY_MAX).await.unwrap().unwrap(), b"[gate]\n");
    assert_eq!(shop.file(commit(&world.commits[0]), "penstock.toml", POLICY_MAX).await.unwrap(), None);
    assert!(matches!(shop.file(at, "large.toml", POLICY_MAX).await, Err(Error::Unreadable(_))));
}
