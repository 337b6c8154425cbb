//! What is held here: that a value is to all who read it what `serde_json` makes of the same text.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Map, Number, Pool, Text, Value, from_value, json, to_value};

type Theirs = serde_json::Value;

/// Values with few keys and texts, so that they repeat; some mappings have many keys.
fn any_value() -> impl Strategy<Value = Theirs> {
    let number = prop_oneof![
        any::<i64>().prop_map(Theirs::from),
        any::<u64>().prop_map(Theirs::from),
        any::<f64>().prop_map(Theirs::from),
        (-2..3_i64).prop_map(Theirs::from),
        Just(Theirs::from(-0.0)),
        Just(Theirs::from(0.0)),
    ];
    let leaf =
        prop_oneof![Just(Theirs::Null), any::<bool>().prop_map(Theirs::from), number, key().prop_map(Theirs::from)];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Theirs::from),
            vec((key(), inner.clone()), 0..8).prop_map(|entries| Theirs::Object(entries.into_iter().collect())),
            (inner, 20..40_usize).prop_map(|(value, count)| {
                Theirs::Object((0..count).map(|i| (format!("k{i}"), value.clone())).collect())
            }),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", "[a-c/~]{0,3}", "k[0-9]{1,2}", "\\PC{0,4}", Just("0".to_owned())]
}

/// A change of a mapping.
#[derive(Clone, Debug)]
enum Change {
    Insert(String, Theirs),
    Remove(String),
    Entry(String, Theirs),
    Keep(usize),
    Index(String, Theirs),
}

fn change() -> impl Strategy<Value = Change> {
    let key = || prop_oneof!["[a-d]", "k[0-9]{1,2}"];
    let value = || (0..5_i64).prop_map(Theirs::from);
    prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Change::Insert(key, value)),
        2 => key().prop_map(Change::Remove),
        1 => (key(), value()).prop_map(|(key, value)| Change::Entry(key, value)),
        1 => (2..9_usize).prop_map(Change::Keep),
        1 => (key(), value()).prop_map(|(key, value)| Change::Index(key, value)),
    ]
}

/// The same text and the same value, there and back.
fn agree(ours: &Value, theirs: &Theirs) {
    assert_eq!(ours.to_string(), theirs.to_string());
    assert_eq!(format!("{ours:#}"), format!("{theirs:#}"));
    assert_eq!(Theirs::from(ours), *theirs);
}

proptest! {
    #[test]
    fn the_same_text_is_read_and_written(theirs in any_value()) {
        let text = theirs.to_string();
        let ours: Value = serde_json::from_str(&text).unwrap();
        let theirs: Theirs = serde_json::from_str(&text).unwrap();
        agree(&ours, &theirs);
        agree(&Value::from(theirs.clone()), &theirs);
        agree(&to_value(&ours).unwrap(), &theirs);
        agree(&from_value::<Value>(ours.clone()).unwrap(), &theirs);
    }

    #[test]
    fn what_is_equal_there_is_equal_here(one in any_value(), other in any_value()) {
        prop_assert_eq!(Value::from(one.clone()) == Value::from(other.clone()), one == other);
        prop_assert_eq!(Value::from(one.clone()), Value::from(one.clone()));
        let mut turned = one.clone();
        if let Theirs::Object(map) = &mut turned {
            *map = std::mem::take(map).into_iter().rev().collect();
        }
        prop_assert_eq!(Value::from(one), Value::from(turned));
    }

    #[test]
    fn the_same_is_found(theirs in any_value(), keys in vec(key(), 0..4), place in 0..4_usize) {
        let ours = Value::from(theirs.clone());
        for key in &keys {
            prop_assert_eq!(ours.get(key).map(Theirs::from), theirs.get(key).cloned());
            prop_assert_eq!(Theirs::from(&ours[key.as_str()]), theirs[key.as_str()].clone());
        }
        prop_assert_eq!(ours.get(place).map(Theirs::from), theirs.get(place).cloned());
        let pointer: String = keys.iter().map(|key| format!("/{key}")).collect();
        for pointer in [&pointer, keys.first().unwrap_or(&pointer), &format!("/{place}{pointer}"), &format!("/+{place}")] {
            let found = ours.pointer(pointer).map(Theirs::from);
            prop_assert_eq!(&found, &theirs.pointer(pointer).cloned());
            let (mut ours, mut theirs) = (ours.clone(), theirs.clone());
            prop_assert_eq!(ours.pointer_mut(pointer).is_some(), theirs.pointer_mut(pointer).is_some());
            if let (Some(here), Some(there)) = (ours.pointer_mut(pointer), theirs.pointer_mut(pointer)) {
                *here = json!("changed");
                *there = serde_json::json!("changed");
            }
            agree(&ours, &theirs);
        }
        prop_assert_eq!(ours.as_str(), theirs.as_str());
        prop_assert_eq!(ours.as_bool(), theirs.as_bool());
        prop_assert_eq!((ours.as_i64(), ours.as_u64(), ours.as_f64()), (theirs.as_i64(), theirs.as_u64(), theirs.as_f64()));
        prop_assert_eq!((ours.is_i64(), ours.is_u64(), ours.is_f64()), (theirs.is_i64(), theirs.is_u64(), theirs.is_f64()));
    }

    #[test]
    fn mappings_change_as_there_and_copies_do_not(changes in vec(change(), 0..80), copied in 0..80_usize) {
        let (mut ours, mut theirs) = (Value::Object(Map::new()), Theirs::Object(serde_json::Map::new()));
        let mut copy = None;
        for (i, change) in changes.into_iter().enumerate() {
            if i == copied {
                copy = Some((ours.clone(), theirs.clone()));
            }
            let (own, other) = (ours.as_object_mut().unwrap(), theirs.as_object_mut().unwrap());
            match change {
                Change::Insert(key, value) => {
                    let before = own.insert(key.as_str(), value.clone().into());
                    prop_assert_eq!(before.map(Theirs::from), other.insert(key, value));
                }
                Change::Remove(key) => {
                    prop_assert_eq!(own.shift_remove(&key).map(Theirs::from), other.shift_remove(&key));
                }
                Change::Entry(key, value) => {
                    let found = own.entry(key.as_str()).or_insert(value.clone().into());
                    prop_assert_eq!(Theirs::from(&*found), other.entry(key).or_insert(value).clone());
                }
                Change::Keep(step) => {
                    let (mut here, mut there) = (0, 0);
                    let keep = |count: &mut usize| { *count += 1; !count.is_multiple_of(step) };
                    own.retain(|_, _| keep(&mut here));
                    other.retain(|_, _| keep(&mut there));
                }
                Change::Index(key, value) => {
                    ours[key.as_str()] = value.clone().into();
                    theirs[key.as_str()] = value;
                }
            }
            agree(&ours, &theirs);
        }
        if let Some((ours, theirs)) = copy {
            agree(&ours, &theirs);
        }
    }

    #[test]
    fn what_a_pool_shares_is_the_same(all in vec(any_value(), 1..20)) {
        let mut pool = Pool::small();
        for theirs in all {
            agree(&pooled(&theirs, &mut pool), &theirs);
            let once = pooled(&theirs, &mut pool);
            let mut changed = once.clone();
            if let Some(map) = changed.as_object_mut() {
                map.insert("new", Value::Null);
            }
            if let Some(items) = changed.as_array_mut() {
                items.push(Value::Null);
            }
            agree(&once, &theirs);
        }
    }
}

fn pooled(value: &Theirs, pool: &mut Pool) -> Value {
    match value {
        Theirs::String(text) => Value::String(pool.text(text)),
        Theirs::Array(items) => {
            let mut items = items.iter().map(|item| pooled(item, pool)).collect();
            Value::Array(pool.list(&mut items, 0))
        }
        Theirs::Object(map) => {
            let mut entries = map.iter().map(|(key, value)| (pool.text(key), pooled(value, pool))).collect();
            Value::Object(pool.map(&mut entries, 0))
        }
        other => other.clone().into(),
    }
}

#[test]
fn a_value_takes_no_more_room_than_is_said() {
    assert_eq!(size_of::<Value>(), 16);
    assert_eq!(size_of::<(Text, Value)>(), 24);
}

#[test]
fn a_pool_makes_one_of_what_is_the_same() {
    let mut pool = Pool::small();
    let value = serde_json::json!({"labels": {"app": "shop"}, "args": ["--verbose", 1]});
    let (Value::Object(one), Value::Object(other)) = (pooled(&value, &mut pool), pooled(&value, &mut pool)) else {
        panic!("a mapping was read");
    };
    assert_eq!(one.address(), other.address());
    let (zero, minus) = (pooled(&serde_json::json!([0.0]), &mut pool), pooled(&serde_json::json!([-0.0]), &mut pool));
    assert_eq!((zero.to_string(), minus.to_string()), ("[0.0]".to_owned(), "[-0.0]".to_owned()));
}

#[test]
fn numbers_are_those_of_serde_json() {
    for text in
        ["18446744073709551615", "-9223372036854775808", "1e400", "-0.0", "1.0", "100000000000000000000", "1e-7"]
    {
        let (ours, theirs) = (serde_json::from_str::<Value>(text), serde_json::from_str::<Theirs>(text));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => agree(&ours, &theirs),
            (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
            (ours, theirs) => panic!("{text}: {ours:?}, {theirs:?}"),
        }
    }
    assert_ne!(json!(1), json!(1.0));
    assert_eq!(Value::from(f64::NAN), Value::Null);
    assert_eq!(json!(u64::MAX).as_number(), Some(&Number::from(u64::MAX)));
}

#[test]
fn the_last_of_two_keys_counts_in_the_place_of_the_first() {
    let value: Value = serde_json::from_str(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    assert_eq!(value.to_string(), r#"{"a":3,"b":2}"#);
}

#[test]
fn deep_values_are_read_to_the_same_depth() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    for levels in [1, 127, 128, 1000] {
        let (ours, theirs) =
            (serde_json::from_str::<Value>(&nested(levels)), serde_json::from_str::<Theirs>(&nested(levels)));
        assert_eq!(ours.is_ok(), theirs.is_ok(), "{levels}");
    }
}

/// Were it quadratic, this would take minutes.
#[test]
fn a_large_mapping_is_built_and_searched_by_an_index() {
    let count = 200_000;
    let map: Map = (0..count).map(|i| (format!("key-{i}"), Value::from(i))).collect();
    assert!((0..count).all(|i| map.get(&format!("key-{i}")) == Some(&Value::from(i))));
    assert_eq!(map.len(), count);
}

#[test]
fn what_is_compared_with_a_type_of_rust_is_compared_by_content() {
    assert!(json!("a") == "a" && json!("a") == *"a" && "a" == json!("a") && json!(true) == true);
    assert!(json!(3) == 3 && json!(3) == 3_usize && json!(3.5) == 3.5 && json!("3") != 3);
}

#[test]
fn keys_are_made_below_nothing() {
    let mut value = Value::Null;
    value["a"]["b"] = json!([1]);
    value["a"]["b"][0] = json!(2);
    assert_eq!(value, json!({"a": {"b": [2]}}));
    assert_eq!((value["a"]["c"]["d"].is_null(), value["a"]["b"].take()), (true, json!([2])));
    assert_eq!(value, json!({"a": {"b": null}}));
}
