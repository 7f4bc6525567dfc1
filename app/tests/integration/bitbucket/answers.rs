//! Answers that the sandbox does not give: rights, names, targets of pull requests, and what no server should say.

use penstock_app::bitbucket::{Error, Permission, Ref};
use serde_json::{Value, json};

use super::world::{bitbucket_at, commit, uuid};
use crate::double::Double;

const HASH: &str = "0123456789abcdef0123456789abcdef01234567";

async fn double(status: u16, body: Value) -> Double {
    Double::new(move |_| (status, body.to_string())).await
}

#[tokio::test]
async fn what_a_user_may_is_asked_by_his_id() {
    let (workspace, repository, user) = (uuid(1), uuid(2), uuid(3));
    let of = |who: u8, permission: &str| json!({"permission": permission, "user": {"uuid": uuid(who).braced()}});
    for (values, permission) in [
        (json!([]), Permission::None),
        (json!([of(3, "read")]), Permission::Read),
        (json!([of(3, "write")]), Permission::Write),
        (json!([of(3, "admin")]), Permission::Admin),
        (json!([of(3, "none")]), Permission::None),
        (json!([of(3, "owner")]), Permission::None),
        // A server that tells about others too.
        (json!([of(4, "admin"), of(3, "read")]), Permission::Read),
        (json!([{"permission": "admin"}]), Permission::None),
    ] {
        let double = double(200, json!({"values": values})).await;
        let shop = bitbucket_at(&double.api(), workspace).await.in_repository(repository);
        assert_eq!(shop.right(user).await.unwrap().permission, permission, "{values}");
        let asked = &double.seen()[0].target;
        let path = format!("/2.0/workspaces/%7B{workspace}%7D/permissions/repositories/%7B{repository}%7D?");
        assert!(asked.starts_with(&path), "{asked}");
        assert!(asked.ends_with(&format!("q=user.uuid%3D%22%7B{user}%7D%22")), "{asked}");
    }
    // That we may not ask does not mean that he may not look, nor that he may.
    let double = double(403, json!({"error": {"message": "You must be an admin"}})).await;
    let shop = bitbucket_at(&double.api(), workspace).await.in_repository(repository);
    assert!(matches!(shop.right(user).await, Err(Error::Denied(_))));
}

#[tokio::test]
async fn who_may_is_told_by_name_in_one_short_line() {
    let (workspace, repository, user) = (uuid(1), uuid(2), uuid(3));
    for (told, name) in [
        (json!("Ann Example"), Some("Ann Example".to_owned())),
        (json!("  <b>Ann\u{202e}\n\u{0}"), Some("<b>Ann\\u{202e}\\x0a\\x00".to_owned())),
        (json!("x".repeat(1000)), Some(format!("{}…", "x".repeat(99)))),
        (json!(" "), None),
        (Value::Null, None),
    ] {
        let user_told = json!({"uuid": user.braced(), "account_id": "a:1", "display_name": told});
        let other = json!({"uuid": uuid(4).braced(), "account_id": "a:2", "display_name": "Somebody Else"});
        let values = json!([{"permission": "owner", "user": other}, {"permission": "owner", "user": user_told}]);
        let double = double(200, json!({"values": values})).await;
        let owner = bitbucket_at(&double.api(), workspace).await.owner(user).await.unwrap().unwrap();
        assert_eq!((owner.name.map(String::from), owner.account_id.as_deref()), (name.clone(), Some("a:1")));
        let values = json!([{"permission": "admin", "user": other}, {"permission": "write", "user": user_told}]);
        let double = self::double(200, json!({"values": values})).await;
        let right = bitbucket_at(&double.api(), workspace).await.in_repository(repository).right(user).await.unwrap();
        assert_eq!((right.permission, right.user.name.map(String::from)), (Permission::Write, name));
    }
}

#[tokio::test]
async fn who_decides_about_a_workspace() {
    let (workspace, user) = (uuid(1), uuid(3));
    let of = |byte, permission: &str| json!({"permission": permission, "user": {"uuid": uuid(byte).braced()}});
    for (values, owns) in [
        (json!([]), false),
        (json!([of(4, "owner"), of(3, "owner")]), true),
        (json!([of(4, "owner")]), false),
        // A server that tells about others too.
        (json!([of(3, "member"), of(4, "owner")]), false),
        (json!([of(3, "admin")]), false),
        (json!([{"permission": "owner"}]), false),
        (json!([{"user": {"uuid": user.braced()}}]), false),
    ] {
        let double = double(200, json!({"values": values})).await;
        let told = bitbucket_at(&double.api(), workspace).await.owner(user).await;
        assert_eq!(told.unwrap().is_some(), owns, "{values}");
        let path = format!("/2.0/workspaces/%7B{workspace}%7D/permissions?q=permission%3D%22owner%22");
        assert!(double.seen()[0].target.starts_with(&path), "{}", double.seen()[0].target);
    }
    let double = double(403, json!({"error": {"message": "You must be an admin"}})).await;
    let told = bitbucket_at(&double.api(), workspace).await.owner(user).await;
    assert!(matches!(told, Err(Error::Denied(_))));
}

#[tokio::test]
async fn a_workspace_by_its_id() {
    let workspace = uuid(1);
    let double = double(200, json!({"uuid": workspace.braced(), "slug": "acme-2"})).await;
    let told = bitbucket_at(&double.api(), workspace).await.workspace().await.unwrap();
    assert_eq!((told.id, told.slug.as_str()), (workspace, "acme-2"));
    assert_eq!(double.seen()[0].target, format!("/2.0/workspaces/%7B{workspace}%7D"));
    let told = bitbucket_at(&double.api(), uuid(2)).await.workspace().await;
    assert!(matches!(told, Err(Error::Unreadable(_))));
}

#[tokio::test]
async fn what_a_pipeline_was_started_for() {
    let (workspace, repository, pipeline) = (uuid(1), uuid(2), uuid(3));
    for (target, on, number) in [
        (json!({"ref_type": "tag", "ref_name": "1.0"}), Ref::Tag("1.0".into()), None),
        (json!({"type": "pipeline_commit_target"}), Ref::Commit, None),
        (
            json!({"type": "pipeline_pullrequest_target", "source": "change", "destination": "main",
                "destination_commit": {"hash": "fedcba987654"}, "pullrequest": {"id": 7}}),
            Ref::Branch("change".into()),
            Some(7),
        ),
    ] {
        let mut target = target;
        target["commit"] = json!({"hash": HASH});
        let body = json!({"uuid": pipeline.braced(), "repository": {"uuid": repository.braced(), "full_name": "a/b"}, "target": target});
        let double = double(200, body).await;
        let told = bitbucket_at(&double.api(), workspace).await.in_repository(repository).pipeline(pipeline).await;
        let told = told.unwrap().unwrap();
        assert_eq!((told.commit, told.on, told.pull_request), (commit(HASH), on, number));
    }
}

#[tokio::test]
async fn another_thing_than_was_asked_for_is_no_answer() {
    let (workspace, repository) = (uuid(1), uuid(2));
    let other = uuid(9).braced();
    let target = json!({"commit": {"hash": HASH}});
    for body in [
        json!({"uuid": other, "target": target}),
        json!({"uuid": uuid(3).braced(), "target": target, "repository": {"uuid": other, "full_name": "a/b"}}),
        json!({"uuid": uuid(3).braced(), "target": {}}),
        json!({"uuid": uuid(3).braced(), "target": {"commit": {"hash": "0123"}}}),
    ] {
        let double = double(200, body.clone()).await;
        let shop = bitbucket_at(&double.api(), workspace).await.in_repository(repository);
        assert!(matches!(shop.pipeline(uuid(3)).await, Err(Error::Unreadable(_))), "{body}");
    }
    let shop = async |body: Value| {
        let double = double(200, body).await;
        let shop = bitbucket_at(&double.api(), workspace).await.in_repository(repository);
        (double, shop)
    };
    let (_double, told) =
        shop(json!({"uuid": other, "full_name": "a/b", "workspace": {"slug": "a", "uuid": other}})).await;
    assert!(matches!(told.get().await, Err(Error::Unreadable(_))));
    let (_double, told) = shop(json!({"uuid": repository.braced(), "full_name": "a/b"})).await;
    assert!(matches!(told.get().await, Err(Error::Unreadable(_))));
    let (_double, told) = shop(json!({"name": "main", "target": {"hash": "main"}})).await;
    assert!(matches!(told.branch("main").await, Err(Error::Unreadable(_))));
    let (_double, told) = shop(json!({"id": 8})).await;
    assert!(matches!(told.comment(1, 7).await, Err(Error::Unreadable(_))));
    // A short hash that stands for another commit.
    let side = |hash: &str| json!({"branch": {"name": "x"}, "commit": {"hash": hash}});
    let (_double, told) =
        shop(json!({"hash": HASH, "id": 1, "state": "OPEN", "source": side("ffffffffffff"), "destination": side("0")}))
            .await;
    assert!(matches!(told.pull_request(1).await, Err(Error::Unreadable(_))));
}

#[tokio::test]
async fn a_transfer_shows_in_the_repository() {
    let (workspace, repository) = (uuid(1), uuid(2));
    let body = json!({"uuid": repository.braced(), "full_name": "new/shop", "workspace": {"slug": "new", "uuid": uuid(7).braced()}});
    let double = double(200, body).await;
    let told = bitbucket_at(&double.api(), workspace).await.in_repository(repository).get().await.unwrap().unwrap();
    assert_eq!((told.workspace, told.is_private, told.main_branch), (uuid(7), true, None));
}
