//! What holds when both levels set something.

use proptest::prelude::*;

use super::*;

fn row(key: Key, value: &Value) -> Setting {
    let value = serde_json::to_string(value).unwrap();
    Setting { name: key.name().to_owned(), value, updated_at: 0, updated_by: "me".to_owned() }
}

fn resolved(key: Key, above: Option<&Value>, own: Option<&Value>) -> Effective {
    let mut settings = Settings::usual();
    settings.layer(Source::Workspace, above.map(|value| row(key, value)).into_iter().collect());
    settings.layer(Source::Repository, own.map(|value| row(key, value)).into_iter().collect());
    settings.all.into_iter().find(|one| one.key == key).unwrap()
}

fn value(key: Key) -> BoxedStrategy<Value> {
    match key.kind() {
        Kind::Switch => any::<bool>().prop_map(Value::Switch).boxed(),
        Kind::Number { least, most } => (least..=most).prop_map(Value::Number).boxed(),
        Kind::MissingScan => prop::sample::select(MissingScan::ALL.to_vec()).prop_map(Value::MissingScan).boxed(),
        Kind::Gate => {
            let line = prop::sample::select(vec!["any.critical <= 0", "new.high <= 2 warn", "new.low <= 9"]);
            let lines = prop::collection::vec(line, 1..4).prop_map(|lines| lines.join("\n"));
            lines.prop_map(|text| Value::of_form(Key::Gate, &text).unwrap().unwrap()).boxed()
        }
    }
}

fn both() -> impl Strategy<Value = (Key, Option<Value>, Option<Value>)> {
    let keys = prop::sample::select(Key::ALL.into_iter().filter(|key| !key.is_of_workspace()).collect::<Vec<_>>());
    keys.prop_flat_map(|key| (Just(key), prop::option::of(value(key)), prop::option::of(value(key))))
}

proptest! {
    #[test]
    fn a_repository_is_never_looser_than_what_its_workspace_set((key, above, own) in both()) {
        let one = resolved(key, above.as_ref(), own.as_ref());
        let Some(own) = own else {
            prop_assert_eq!(&one.value, &above.unwrap_or(key.usual()), "it inherits");
            return Ok(());
        };
        prop_assert_eq!(one.own.as_ref().map(|own| &own.0), Some(&own), "what is set is shown, whether it holds or not");
        match (above, &one.value) {
            (above, Value::Gate(holds)) => {
                let lines = |value: &Value| value.form().lines().map(str::to_owned).collect::<Vec<_>>();
                let set = above.iter().chain([&own]).flat_map(lines).collect::<Vec<_>>();
                prop_assert_eq!(lines(&Value::Gate(holds.clone())), set, "conditions add up");
            }
            (Some(above), holds) if key.is_policy() => {
                let stricter = [&above, &own].into_iter().max_by_key(|value| key.strictness(value)).unwrap();
                prop_assert_eq!(key.strictness(holds), key.strictness(stricter), "the stricter one holds");
                prop_assert_eq!(one.admits(&own).is_ok(), *holds == own);
                prop_assert_eq!(one.source, if *holds == own { Source::Repository } else { Source::Workspace });
            }
            (_, holds) => prop_assert_eq!(holds, &own, "what is no policy, or nobody set, a repository sets as it wants"),
        }
    }
}

#[test]
fn what_is_stricter() {
    use Value::{Number, Switch};
    for (key, looser, stricter) in [
        (Key::SecondPerson, Switch(false), Switch(true)),
        (Key::AuthorMayDismiss, Switch(true), Switch(false)),
        (Key::PolicyChanges, Switch(true), Switch(false)),
        (Key::ReasonCharacters, Number(3), Number(4)),
        (Key::AcceptedRiskDays, Number(0), Number(3650)),
        (Key::AcceptedRiskDays, Number(2), Number(1)),
        (Key::MissingScan, Value::MissingScan(MissingScan::Never), Value::MissingScan(MissingScan::Lately)),
        (Key::MissingScan, Value::MissingScan(MissingScan::Lately), Value::MissingScan(MissingScan::Always)),
    ] {
        assert_eq!(resolved(key, Some(&stricter), Some(&looser)).value, stricter, "{key:?}");
        assert_eq!(resolved(key, Some(&looser), Some(&stricter)).value, stricter, "{key:?}");
        assert_eq!(resolved(key, Some(&stricter), Some(&looser)).admits(&looser), Err(Wrong::Looser), "{key:?}");
    }
}
