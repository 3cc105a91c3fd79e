//! Properties of every definition and every message.

use proptest::collection::vec;
use proptest::prelude::*;
use remote_access_cdr::Definition;
use serde_json::{json, Value};

const LIMIT: usize = 1 << 22;

/// A field's type in the `.msg` language with a strategy for its JSON.
type Typed = (String, BoxedStrategy<Value>);

fn scalar() -> impl Strategy<Value = Typed> {
    let typed = |name: &str, values: BoxedStrategy<Value>| Just((name.to_owned(), values));
    prop_oneof![
        typed("bool", any::<bool>().prop_map(Value::from).boxed()),
        typed("int8", any::<i8>().prop_map(Value::from).boxed()),
        typed("byte", any::<u8>().prop_map(Value::from).boxed()),
        typed("int16", any::<i16>().prop_map(Value::from).boxed()),
        typed("uint32", any::<u32>().prop_map(Value::from).boxed()),
        typed(
            "int64",
            any::<i64>().prop_map(|x| json!(x.to_string())).boxed()
        ),
        typed("uint64", any::<u64>().prop_map(Value::from).boxed()),
        typed(
            "float32",
            any::<f32>()
                .prop_map(|x| if x.is_finite() {
                    json!(f64::from(x))
                } else {
                    json!("NaN")
                })
                .boxed()
        ),
        typed(
            "float64",
            any::<f64>()
                .prop_map(|x| if x.is_finite() {
                    json!(x)
                } else {
                    json!("Infinity")
                })
                .boxed()
        ),
        typed(
            "string<=20",
            "[a-zé\"\\\\]{0,10}".prop_map(Value::from).boxed()
        ),
        typed("wstring", "[a-zé😀]{0,10}".prop_map(Value::from).boxed()),
    ]
}

/// One, an array, or a sequence with or without a bound.
fn counted((name, values): Typed) -> BoxedStrategy<Typed> {
    let list = |brackets: &str, size: std::ops::RangeInclusive<usize>| {
        let items = vec(values.clone(), size).prop_map(Value::from).boxed();
        Just((format!("{name}{brackets}"), items))
    };
    prop_oneof![
        3 => Just((name.clone(), values.clone())),
        1 => list("[3]", 3..=3),
        1 => list("[]", 0..=5),
        1 => list("[<=4]", 0..=4),
    ]
    .boxed()
}

/// A definition's text, its sub-definitions, and a strategy for messages of it.
fn definitions() -> impl Strategy<Value = (String, BoxedStrategy<Value>)> {
    (vec(members(Vec::new()), 1..4), any::<u8>()).prop_flat_map(|(leaves, _)| {
        let inner: Vec<Typed> = leaves
            .iter()
            .enumerate()
            .map(|(at, (_, values))| (format!("Inner{at}"), values.clone()))
            .collect();
        members(inner).prop_map(move |(mut text, values)| {
            for (at, (inner, _)) in leaves.iter().enumerate() {
                text.push_str(&format!("{}\nMSG: p/Inner{at}\n{inner}", "=".repeat(80)));
            }
            (text, values)
        })
    })
}

/// The fields of one message, of which some may be of the given types.
fn members(inner: Vec<Typed>) -> impl Strategy<Value = (String, BoxedStrategy<Value>)> {
    let field = if inner.is_empty() {
        scalar().boxed()
    } else {
        prop_oneof![scalar(), proptest::sample::select(inner)].boxed()
    };
    vec(field.prop_flat_map(counted), 0..6).prop_map(|fields| {
        let text = fields
            .iter()
            .enumerate()
            .map(|(at, (name, _))| format!("{name} f{at}\n"))
            .collect();
        let values: Vec<_> = fields.into_iter().map(|(_, values)| values).collect();
        let messages = values.prop_map(|values| {
            let named = values.into_iter().enumerate();
            named
                .map(|(at, value)| (format!("f{at}"), value))
                .collect::<Value>()
        });
        (text, messages.boxed())
    })
}

fn messages() -> impl Strategy<Value = (Definition, Value)> {
    definitions().prop_flat_map(|(text, values)| {
        let definition = Definition::parse("p/msg/Root", &text).expect("a definition");
        values.prop_map(move |value| (definition.clone(), value))
    })
}

proptest! {
    #[test]
    fn json_to_cdr_and_back_is_the_same_message((definition, value) in messages()) {
        let message = definition.from_json(value.to_string().as_bytes(), LIMIT).expect("fits");
        prop_assert_eq!(definition.check(&message), Ok(message.len()));
        let text = definition.to_json(&message, LIMIT).expect("matches");
        serde_json::from_slice::<Value>(&text).expect("JSON");
        prop_assert_eq!(definition.from_json(&text, LIMIT), Ok(message));
    }

    #[test]
    fn what_is_cut_off_is_noticed((definition, value) in messages(), cut in any::<prop::sample::Index>()) {
        let message = definition.from_json(value.to_string().as_bytes(), LIMIT).expect("fits");
        let short = &message[..cut.index(message.len())];
        prop_assert!(definition.check(short).is_err());
        prop_assert!(definition.to_json(short, LIMIT).is_err());
    }

    #[test]
    fn changed_bytes_are_refused_or_are_a_message(
        (definition, value) in messages(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut message = definition.from_json(value.to_string().as_bytes(), LIMIT).expect("fits");
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        let checked = definition.measure(&message);
        let text = definition.to_json(&message, LIMIT);
        prop_assert_eq!(checked.is_ok(), text.is_ok());
        if let (Ok(length), Ok(text)) = (checked, text) {
            prop_assert!(length <= message.len());
            // Bounded strings that were not UTF-8 may have become too long, nothing else.
            if let Ok(again) = definition.from_json(&text, LIMIT) {
                prop_assert_eq!(definition.check(&again), Ok(again.len()));
            } else {
                prop_assert!(std::str::from_utf8(&message).is_err());
            }
        }
    }

    #[test]
    fn any_bytes_do_no_harm((definition, _) in messages(), mut bytes in vec(any::<u8>(), 0..200)) {
        if let [first, second, ..] = &mut bytes[..] {
            *first = 0;
            *second &= 1;
        }
        let _ = definition.check(&bytes);
        let _ = definition.to_json(&bytes, LIMIT);
        let _ = definition.from_json(&bytes, LIMIT);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "([ =#@\\[\\]<\"a-z0-9/\\n]|MSG: |={80}\\n|int32 |string){0,60}") {
        let _ = Definition::parse("p/msg/Root", &text);
    }
}
