use proptest::prelude::*;
use proptest::sample::SizeRange;

use super::*;

fn specified(method: &str, path: &str, query: &str) -> (String, String) {
    (canonical(method, path, query, Order::Encoded), hash(method, path, query, Order::Encoded))
}

/// Atlassian's own example, and what their JavaScript library makes of the others.
#[test]
fn known_hashes() {
    for (method, path, query, canonical, hash) in [
        (
            "get",
            "/path/to/service",
            "zee_last=param&repeated=parameter%201&first=param&repeated=parameter+2",
            "GET&/path/to/service&first=param&repeated=parameter%201,parameter%202&zee_last=param",
            "e52bb281606c3bd9ca16cfe96fe2df78f5d9ffa126f06befd750dfa10fa1a897",
        ),
        ("GET", "/", "", "GET&/&", "c88caad15a1c1a900b8ac08aa9686f4e8184539bea1deda36e2f649430df3239"),
        ("GET", "", "", "GET&/&", "c88caad15a1c1a900b8ac08aa9686f4e8184539bea1deda36e2f649430df3239"),
        (
            "GET",
            "/p",
            "a=2&a=1&a=10",
            "GET&/p&a=1,10,2",
            "9725faf4cba19fa4be23573c7b107a214637e17243e82b5d938c90ad7053d961",
        ),
        (
            "GET",
            "/p",
            "q=a+b&r=a%20b",
            "GET&/p&q=a%20b&r=a%20b",
            "bee60060a58f02df38d5a126e99a5278f1e42d8567df4bfafecf3bfa05c102e4",
        ),
        (
            "GET",
            "/p",
            "x=!'()*~-._",
            "GET&/p&x=%21%27%28%29%2A~-._",
            "309a306de9d4a4db93a12ee68a46949d6df0948da63bac4a017b081ccf9878e7",
        ),
        ("GET", "/p", "e=&f", "GET&/p&e=&f=", "5e6e42e791c0b3d8d72e3a513f19aea0418cf9f45018ccd28cf2641527621b9e"),
    ] {
        assert_eq!(specified(method, path, query), (canonical.to_owned(), hash.to_owned()));
    }
}

/// Mistake 7 of those that others made: a path that was decoded, rewritten or tidied.
#[test]
fn mistake_07_the_path_is_taken_raw() {
    for (path, canonical) in [
        ("/a/", "GET&/a&"),
        ("/a//", "GET&/a/&"),
        ("//", "GET&/&"),
        ("/a//b", "GET&/a//b&"),
        ("/a%2fb", "GET&/a%2fb&"),
        ("/a+b", "GET&/a+b&"),
        ("/a&b", "GET&/a%26b&"),
        ("/A/../b", "GET&/A/../b&"),
        ("a", "GET&/a&"),
    ] {
        assert_eq!(specified("GET", path, "").0, canonical, "{path}");
    }
}

/// Mistake 7, the query: `+`, repeated parameters, case, commas.
#[test]
fn mistake_07_the_query_is_decoded_once_and_encoded_again() {
    for (query, canonical) in [
        ("A=1&a=2&B=3", "A=1&B=3&a=2"),
        ("x=a,b&x=c", "x=a%2Cb,c"),
        ("x=%7Bu%7D&y={u}", "x=%7Bu%7D&y=%7Bu%7D"),
        ("x=%2b%2B+", "x=%2B%2B%20"),
        ("x=%25zz&y=%zz&z=%", "x=%25zz&y=%25zz&z=%25"),
        ("x=%FF", "x=%FF"),
        ("x=a=b", "x=a%3Db"),
        ("&&x=1&", "x=1"),
        ("=1", "=1"),
        ("JWT=1&jwt=2&%6awt=3", "JWT=1"),
        ("jwt", ""),
    ] {
        assert_eq!(specified("GET", "/p", query).0, format!("GET&/p&{canonical}"), "{query}");
    }
}

#[test]
fn orders_differ_only_where_implementations_do() {
    let of = |order| canonical("GET", "/", "x=~&x=%C3%A9&x=%21&x=-&~=1&%C3%A9=1", order);
    assert_eq!(of(Order::Encoded), "GET&/&%C3%A9=1&x=%21,%C3%A9,-,~&~=1");
    assert_eq!(of(Order::ValuesDecoded), "GET&/&%C3%A9=1&x=%21,-,~,%C3%A9&~=1");
    assert_eq!(of(Order::Decoded), "GET&/&x=%21,-,~,%C3%A9&~=1&%C3%A9=1");
}

fn encoded_pairs(count: impl Into<SizeRange>) -> impl Strategy<Value = Vec<(String, String)>> {
    let text = prop_oneof!["[a-c]{0,2}", "[-a-zA-Z0-9._~!'()*, +%&=/é中{}]{0,8}"];
    prop::collection::vec((text.clone(), text), count).prop_map(|pairs| {
        pairs.into_iter().map(|(name, value)| (encode(name.as_bytes()), encode(value.as_bytes()))).collect()
    })
}

fn joined(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

proptest! {
    #[test]
    fn the_order_of_parameters_leaves_no_trace(pairs in encoded_pairs(0..8), seed: u64) {
        let mut shuffled = pairs.clone();
        shuffled.sort_by_key(|pair| Sha256::digest(format!("{seed}{pair:?}")).to_vec());
        for order in Order::ALL {
            prop_assert_eq!(hash("GET", "/", &joined(&pairs), order), hash("GET", "/", &joined(&shuffled), order));
        }
    }

    #[test]
    fn a_token_leaves_no_trace(pairs in encoded_pairs(0..6), at in 0usize..7, token in "[-A-Za-z0-9_.]{0,20}") {
        let mut with = pairs.clone();
        with.insert(at.min(pairs.len()), ("jwt".to_owned(), token));
        for order in Order::ALL {
            prop_assert_eq!(hash("GET", "/", &joined(&pairs), order), hash("GET", "/", &joined(&with), order));
        }
    }

    #[test]
    fn how_a_character_is_escaped_leaves_no_trace(name in "[a-z ]{1,6}", value in "[a-zA-Z0-9 ]{0,6}") {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let plain = format!("{}={}", name.replace(' ', "+"), value.replace(' ', "+"));
        let escaped = format!("{}={}", escape(&name), escape(&value));
        prop_assume!(name != "jwt");
        prop_assert_eq!(canonical("GET", "/", &plain, Order::Encoded), canonical("GET", "/", &escaped, Order::Encoded));
    }

    /// No two requests share a hash: from the canonical form, method, path and parameters can be read back.
    #[test]
    fn different_parameters_differ(one in encoded_pairs(0..5), other in encoded_pairs(0..5)) {
        let sorted = |pairs: &[(String, String)]| {
            let mut pairs = pairs.to_vec();
            pairs.retain(|(name, _)| name != "jwt");
            pairs.sort();
            pairs
        };
        for order in Order::ALL {
            let same = canonical("GET", "/", &joined(&one), order) == canonical("GET", "/", &joined(&other), order);
            // A pair without name and value is `=` in one and the other.
            prop_assert_eq!(same, sorted(&one) == sorted(&other), "{:?}", order);
        }
    }

    #[test]
    fn any_query_has_a_canonical_form(method in "[a-zA-Z]{1,8}", path in "\\PC{0,20}", query in "\\PC{0,40}") {
        let whole = canonical(&method, &path, &query, Order::Encoded);
        let parts: Vec<_> = whole.splitn(3, '&').collect();
        prop_assert_eq!(parts[0], method.to_uppercase());
        prop_assert!(parts[1].starts_with('/'));
        prop_assert!(parts[2].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%=,&".contains(&byte)), "{}", parts[2]);
    }
}
