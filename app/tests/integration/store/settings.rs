//! What people set: inherited, checked, told in the audit log, and kept as long as they say.

use penstock_app::audit::Act;
use penstock_app::jobs::forget;
use penstock_app::settings::{Key, MissingScan, Refused, Settings, Source, Value, Wrong, hooks, set, tokens};
use penstock_app::store::system::Turn;
use penstock_app::store::workspace::NewRun;
use penstock_app::store::{News, new_id};
use penstock_app::track::RunId;
use penstock_common::Uuid;
use serde_json::json;

use super::on_both;
use super::rows::{delivery, new_run};
use super::world::{NOW, World};

on_both!(
    a_repository_inherits_from_its_workspace,
    what_is_set_is_told_and_what_is_wrong_is_not_set,
    a_repository_is_as_strict_as_its_workspace_or_stricter,
    what_verdicts_depend_on_wishes_to_judge_anew,
    a_value_that_nobody_understands_counts_as_not_set,
    everything_is_kept_as_long_as_its_workspace_says,
    tokens_are_made_and_ended_with_an_entry,
    hooks_are_made_and_ended_with_an_entry,
);

const DAY: i64 = 86_400_000;

fn gate(text: &str) -> Option<Value> {
    Value::of_form(Key::Gate, text).unwrap()
}

async fn a_repository_inherits_from_its_workspace(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (other, _) = world.tenant(2).await;
    let of = async |level| Settings::of(&workspace, level).await.unwrap();
    let usual = of(Some(repository)).await;
    assert_eq!((usual.wait(), usual.missing_scan(), usual.floor()), (30 * 60_000, MissingScan::Lately, &[][..]));
    assert!(usual.posts_status() && usual.posts_comment() && usual.posts_report() && !usual.policy_changes_count());
    assert!(usual.all().iter().all(|one| one.source == Source::Default && one.own.is_none()));

    let above = [
        (Key::WaitingMinutes, Some(Value::Number(5))),
        (Key::PostStatus, Some(Value::Switch(false))),
        (Key::Gate, gate("any.critical <= 0")),
        (Key::DefaultAudience, Some(Value::Switch(true))),
    ];
    set(&workspace, None, &above, "a:1", NOW).await.unwrap();
    let below = [(Key::PostStatus, Some(Value::Switch(true))), (Key::Gate, gate("new.high <= 2 warn"))];
    set(&workspace, Some(repository), &below, "b:2", NOW + 1).await.unwrap();
    let settings = of(Some(repository)).await;
    let one = |key| settings.all().iter().find(|one| one.key == key).unwrap().clone();
    assert_eq!(
        (one(Key::WaitingMinutes).value, one(Key::WaitingMinutes).source),
        (Value::Number(5), Source::Workspace)
    );
    let status = one(Key::PostStatus);
    assert_eq!(
        (status.value, status.source, status.above),
        (Value::Switch(true), Source::Repository, Value::Switch(false))
    );
    assert_eq!(status.own, Some((Value::Switch(true), "b:2".to_owned(), NOW + 1)));
    let gates = one(Key::Gate);
    assert_eq!(gates.value.form(), "any.critical <= 0\nnew.high <= 2 warn", "both levels add up");
    assert_eq!((gates.above.form().as_str(), settings.floor().len()), ("any.critical <= 0", 2));
    assert!(!of(None).await.posts_status());
    assert!(settings.clone().with_operator(false).accepts_default_audience(), "the workspace says so");

    // Taken back, what stands above holds again; another tenant never heard of it.
    set(&workspace, Some(repository), &[(Key::PostStatus, None)], "b:2", NOW + 2).await.unwrap();
    assert!(!of(Some(repository)).await.posts_status());
    let others = Settings::of(&other, Some(repository)).await.unwrap();
    assert_eq!(others, usual);
    assert!(others.clone().with_operator(true).accepts_default_audience(), "the operator says so");
    set(&other, None, &[(Key::DefaultAudience, Some(Value::Switch(false)))], "c:3", NOW).await.unwrap();
    let others = Settings::of(&other, None).await.unwrap().with_operator(true);
    assert!(!others.accepts_default_audience(), "the workspace knows better");
}

async fn what_is_set_is_told_and_what_is_wrong_is_not_set(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let mix = [(Key::WaitingMinutes, Some(Value::Number(5))), (Key::RunDays, Some(Value::Number(29)))];
    let refused = set(&workspace, None, &mix, "a:1", NOW).await.unwrap_err();
    assert_eq!(refused.to_string(), "run_days: this must be a whole number from 30 to 1200");
    let days = [(Key::RunDays, Some(Value::Number(50)))];
    let refused = set(&workspace, Some(repository), &days, "a:1", NOW).await.unwrap_err();
    assert!(matches!(refused, Refused::Wrong { key: Key::RunDays, why: Wrong::OfWorkspace }));
    assert!(set(&workspace, None, &[(Key::SecondPerson, Some(Value::Number(1)))], "a:1", NOW).await.is_err());
    assert!(workspace.settings(None).await.unwrap().is_empty(), "all of it or nothing");
    assert!(workspace.audit(None, u64::MAX, 10).await.unwrap().is_empty());

    let five = [(Key::WaitingMinutes, Some(Value::Number(5)))];
    set(&workspace, Some(repository), &five, "a:1", NOW).await.unwrap();
    set(&workspace, Some(repository), &five, "b:2", NOW + 1).await.unwrap();
    set(&workspace, Some(repository), &[(Key::WaitingMinutes, None)], "b:2", NOW + 2).await.unwrap();
    let told = workspace.audit(Some(repository), u64::MAX, 10).await.unwrap();
    let of = |at: usize| (told[at].1.by.as_str(), told[at].1.at, told[at].1.act.clone());
    let name = || "waiting_minutes".to_owned();
    assert_eq!(told.len(), 2, "what changes nothing is not told");
    assert_eq!(of(1), ("a:1", NOW, Act::Set { name: name(), old: None, new: Some(json!(5)) }));
    assert_eq!(of(0), ("b:2", NOW + 2, Act::Set { name: name(), old: Some(json!(5)), new: None }));
    assert_eq!(workspace.verify_audit().await.unwrap(), Ok(2));
}

async fn a_repository_is_as_strict_as_its_workspace_or_stricter(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (other, elsewhere) = world.tenant(2).await;
    let on = |on| [(Key::SecondPerson, Some(Value::Switch(on)))];
    let holds = async || Settings::of(&workspace, Some(repository)).await.unwrap().policy().second_person;
    set(&workspace, Some(repository), &on(false), "b:2", NOW).await.unwrap();
    set(&workspace, None, &on(true), "a:1", NOW).await.unwrap();
    assert!(holds().await, "the workspace was tightened after the repository was set");
    let refused = set(&workspace, Some(repository), &on(false), "b:2", NOW).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "second_person: the workspace is stricter: a repository may tighten this, not loosen it"
    );
    set(&workspace, Some(repository), &[(Key::SecondPerson, None)], "b:2", NOW).await.unwrap();
    assert!(holds().await);
    // Where the workspace says that it is not wanted, a repository may want it; where nobody said anything, it says what it wants.
    set(&workspace, None, &on(false), "a:1", NOW).await.unwrap();
    set(&workspace, Some(repository), &on(true), "b:2", NOW).await.unwrap();
    assert!(holds().await);
    set(&workspace, None, &[(Key::AuthorMayDismiss, Some(Value::Switch(false)))], "a:1", NOW).await.unwrap();
    let may = [(Key::AuthorMayDismiss, Some(Value::Switch(true)))];
    assert!(set(&workspace, Some(repository), &may, "b:2", NOW).await.is_err());
    set(&other, Some(elsewhere), &may, "c:3", NOW).await.unwrap();
    assert!(
        Settings::of(&other, Some(elsewhere)).await.unwrap().policy().author_may_dismiss,
        "another tenant's policy"
    );
}

async fn what_verdicts_depend_on_wishes_to_judge_anew(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    world.tenant(2).await;
    let system = world.store.system();
    let wished = async || {
        let mut all = Vec::new();
        while let Some(job) = system.claim_job(Turn::Any, 1, NOW, NOW + 100).await.unwrap() {
            system.finish_job(job.id, 1).await.unwrap();
            all.push((job.workspace, job.repository, job.kind));
        }
        all
    };
    let minutes = [(Key::WaitingMinutes, Some(Value::Number(5)))];
    set(&workspace, Some(repository), &minutes, "a:1", NOW).await.unwrap();
    assert!(wished().await.is_empty(), "no verdict depends on it");
    let floor = [(Key::Gate, gate("any.low <= 0")), (Key::PolicyChanges, Some(Value::Switch(true)))];
    let anew = "judge_anew".to_owned();
    for level in [Some(repository), None] {
        set(&workspace, level, &floor, "a:1", NOW).await.unwrap();
        assert_eq!(wished().await, [(workspace.id(), level, anew.clone())]);
        set(&workspace, level, &floor, "a:1", NOW).await.unwrap();
        assert!(wished().await.is_empty(), "nothing changed");
    }
}

async fn a_value_that_nobody_understands_counts_as_not_set(world: World) {
    let (workspace, _) = world.tenant(1).await;
    let mut write = workspace.write().await.unwrap();
    for (name, value) in
        [("waiting_minutes", "\"x\""), ("run_days", "1"), ("gate", "[\"new.x <= 0\"]"), ("unknown", "1")]
    {
        write.setting(None, name, Some(value), "me", NOW).await.unwrap();
    }
    write.commit().await.unwrap();
    let settings = Settings::of(&workspace, None).await.unwrap();
    assert!(settings.all().iter().all(|one| one.source == Source::Default));
    assert_eq!((settings.wait(), settings.retention().runs), (30 * 60_000, 400 * DAY));
}

async fn everything_is_kept_as_long_as_its_workspace_says(world: World) {
    let ages = [1, 3, 10, 100, 500];
    let mut tenants = Vec::new();
    for number in [1, 2] {
        let (workspace, repository) = world.tenant(number).await;
        for age in ages {
            let at = NOW - age * DAY;
            let mut write = workspace.write().await.unwrap();
            let run = new_run(repository, &format!("key-{age}"));
            write.new_run(&NewRun { run: RunId(new_id()), received_at: at, ..run }).await.unwrap();
            write.delivered(repository, "app", &format!("{age}"), &delivery(), at).await.unwrap();
            write.commit().await.unwrap();
            let digest = News::digest("e", age.to_string().as_bytes());
            let news = News { tenant: workspace.id(), event: "e".to_owned(), body: age.to_string(), digest, at };
            assert!(world.store.system().keep_news(news).await.unwrap());
            let waiting = world.store.system().waiting_news(1).await.unwrap();
            world.store.system().news_handled(&[waiting[0].id], at).await.unwrap();
        }
        tenants.push((workspace, repository));
    }
    let kept = async || {
        let mut kept = Vec::new();
        for (workspace, repository) in &tenants {
            let news = world.store.system().old_news(workspace.id(), i64::MAX, 10).await.unwrap().len();
            let deliveries = workspace.deliveries(*repository, 10).await.unwrap().len();
            kept.push((news, deliveries, workspace.runs(*repository, RunId(u128::MAX), 10).await.unwrap().len()));
        }
        kept
    };
    let short = [
        (Key::WebhookDays, Some(Value::Number(2))),
        (Key::DeliveryDays, Some(Value::Number(7))),
        (Key::RunDays, Some(Value::Number(50))),
    ];
    set(&tenants[0].0, None, &short, "a:1", NOW).await.unwrap();
    forget(&world.store, NOW).await.unwrap();
    assert_eq!(kept().await, [(1, 2, 3), (2, 3, 4)], "7, 90 and 400 days, unless somebody sets otherwise");
    set(&tenants[0].0, None, &short.map(|(key, _)| (key, None)), "a:1", NOW).await.unwrap();
    forget(&world.store, NOW + 8 * DAY).await.unwrap();
    assert_eq!(kept().await, [(0, 2, 3), (0, 3, 4)]);
    assert_eq!(tenants[0].0.audit(None, u64::MAX, 10).await.unwrap().len(), 6, "the audit log stays");
}

async fn tokens_are_made_and_ended_with_an_entry(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (other, _) = world.tenant(2).await;
    let wanted = |name: &str, scopes: &str, days, repository| tokens::Wanted {
        name: name.to_owned(),
        scopes: scopes.parse().unwrap(),
        repository,
        days,
        maker: None,
    };
    let (id, token) = tokens::make(&workspace, &wanted(" ci ", "read", 1, Some(repository)), "a:1", NOW).await.unwrap();
    let known = world.store.system().token_by_hash(token.hash().as_bytes(), NOW).await.unwrap().unwrap();
    assert_eq!((known.workspace, known.token), (workspace.id(), id));
    let row = workspace.token(id).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.creator.as_str(), row.expires_at), ("ci", "a:1", Some(NOW + DAY)));
    for (wrong, words) in [
        (wanted("ci", "read", 1, None), "active token with this name"),
        (wanted("", "read", 1, None), "1 to 60"),
        (wanted("a\u{202e}b", "read", 1, None), "invisible"),
        (wanted(&"x".repeat(61), "read", 1, None), "1 to 60"),
        (wanted("b", "", 1, None), "scope"),
        (wanted("b", "read", 0, None), "days"),
        (wanted("b", "read", 3651, None), "days"),
        (wanted("b", "read", 1, Some(Uuid::from([9; 16]))), "no such repository"),
    ] {
        let refused = tokens::make(&workspace, &wrong, "a:1", NOW).await.unwrap_err().to_string();
        assert!(refused.contains(words), "{wrong:?}: {refused}");
    }
    assert!(!tokens::revoke(&other, id, "evil", NOW).await.unwrap(), "another tenant's");
    assert!(tokens::revoke(&workspace, id, "b:2", NOW + 1).await.unwrap());
    assert!(!tokens::revoke(&workspace, id, "b:2", NOW + 2).await.unwrap());
    assert!(world.store.system().token_by_hash(token.hash().as_bytes(), NOW).await.unwrap().is_none());
    assert!(
        tokens::make(&workspace, &wanted("ci", "read", 1, None), "a:1", NOW).await.is_ok(),
        "the name is free again"
    );
    let told = workspace.audit(None, u64::MAX, 10).await.unwrap();
    let acts: Vec<_> = told.iter().map(|(_, entry)| (entry.by.as_str(), &entry.act)).collect();
    assert!(
        matches!(
            acts[..],
            [("a:1", Act::TokenMade { .. }), ("b:2", Act::TokenRevoked { .. }), ("a:1", Act::TokenMade { .. })]
        ),
        "{acts:?}"
    );
    let exported = workspace.export().await.unwrap().join("\n");
    assert!(!exported.contains(&token.expose()[20..]), "a token stands in the database");
    assert!(other.audit(None, u64::MAX, 10).await.unwrap().is_empty());
}

async fn hooks_are_made_and_ended_with_an_entry(world: World) {
    let (workspace, repository) = world.tenant(1).await;
    let (other, own) = world.tenant(2).await;
    let base = penstock_app::base_url::BaseUrl::parse("https://penstock.example.com/app").unwrap();
    let new = hooks::make(&workspace, repository, &base, "a:1", NOW).await.unwrap();
    let digits = new.url.strip_prefix("https://penstock.example.com/app/hooks/").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", new.url);
    let known = world.store.system().hook(new.hook).await.unwrap().unwrap();
    assert_eq!(
        (known.workspace, known.repository, known.secret.expose()),
        (workspace.id(), repository, new.secret.expose())
    );
    for repository in [repository, own] {
        assert!(!hooks::remove(&other, repository, new.hook, "evil", NOW).await.unwrap(), "another tenant's");
    }
    assert!(hooks::remove(&workspace, repository, new.hook, "b:2", NOW + 1).await.unwrap());
    assert!(!hooks::remove(&workspace, repository, new.hook, "b:2", NOW + 1).await.unwrap());
    let told = workspace.audit(Some(repository), u64::MAX, 10).await.unwrap();
    let acts: Vec<_> = told.into_iter().map(|(_, entry)| (entry.by, entry.act)).collect();
    let hook = new.hook;
    assert_eq!(acts, [("b:2".to_owned(), Act::HookRemoved { hook }), ("a:1".to_owned(), Act::HookMade { hook })]);
    let exported = workspace.export().await.unwrap().join("\n");
    assert!(!exported.contains(new.secret.expose()), "the secret stands in the database");
}
