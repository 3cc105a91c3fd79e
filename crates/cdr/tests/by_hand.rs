//! Messages whose bytes are written out by hand, from the rules of CDR.

use remote_access_cdr::Definition;

const LIMIT: usize = 1 << 20;

fn definition(text: &str) -> Definition {
    Definition::parse("p/msg/T", text).expect("a definition")
}

fn line() -> String {
    "=".repeat(80)
}

/// Bytes from hex digits and spaces.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).expect("hex"))
        .collect()
}

fn json(definition: &Definition, message: &[u8]) -> String {
    String::from_utf8(definition.to_json(message, LIMIT).expect("a message")).expect("UTF-8")
}

#[test]
fn scalars_are_aligned_in_both_byte_orders() {
    let definition =
        definition("bool a\nfloat64 b\nint8 c\nint16 d\nuint8 e\nuint32 f\nint64 g\nfloat32 h\n");
    let little = hex(
        "00010000 01 00000000000000 000000000000f83f fe 00 feff 07 000000 04030201
         00000000 ffffffffffffffff 0000c03f",
    );
    let big = hex(
        "00000000 01 00000000000000 3ff8000000000000 fe 00 fffe 07 000000 01020304
         00000000 ffffffffffffffff 3fc00000",
    );
    let text = r#"{"a":true,"b":1.5,"c":-2,"d":-2,"e":7,"f":16909060,"g":-1,"h":1.5}"#;
    for message in [&little, &big] {
        assert_eq!(definition.check(message), Ok(message.len()));
        assert_eq!(json(&definition, message), text);
    }
    assert_eq!(definition.from_json(text.as_bytes(), LIMIT), Ok(little));
}

#[test]
fn strings_sequences_and_nested_messages() {
    let definition = definition(&format!(
        "string<=3 a\nInner[] b\nfloat64[] c\nuint8 d\nwstring e\nuint8[] f\n{}\nMSG: p/Inner\nstring x\nint32 y 5\n",
        line()
    ));
    let message = hex(
        "00010000 03000000 616200 00 02000000 01000000 00 000000 05000000 02000000 7a00 0000
         ffffffff 00000000 01 000000 02000000 61000000 e9000000 03000000 010203",
    );
    let text =
        r#"{"a":"ab","b":[{"x":"","y":5},{"x":"z","y":-1}],"c":[],"d":1,"e":"aé","f":[1,2,3]}"#;
    assert_eq!(definition.check(&message), Ok(message.len()));
    assert_eq!(json(&definition, &message), text);
    assert_eq!(
        definition.from_json(text.as_bytes(), LIMIT),
        Ok(message.clone())
    );
    // Any order, defaults where something is missing, bytes as base64.
    let other = r#"{"f":"AQID","e":"a\u00e9","d":1.0,"b":[{},{"y":"-1","x":"z"}],"a":"ab"}"#;
    assert_eq!(definition.from_json(other.as_bytes(), LIMIT), Ok(message));
}

#[test]
fn an_empty_message_is_one_byte() {
    let definition = definition("# nothing\nint32 ONLY=1\n");
    let message = definition.from_json(b"{}", LIMIT).expect("a message");
    assert_eq!(message, hex("00010000 00"));
    assert_eq!(definition.check(&hex("00010000 00000000")), Ok(5));
    assert!(definition.check(&hex("00010000")).is_err());
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let definition = definition(&format!(
        "bool[] flags\nInner[<=2] list\n{}\nMSG: p/Inner\nstring<=2 name\n",
        line()
    ));
    let problem = |message: &str| {
        definition
            .check(&hex(message))
            .expect_err("wrong")
            .to_string()
    };
    assert_eq!(
        problem("0001"),
        "the encapsulation header is not that of plain CDR (XCDR version 1)"
    );
    assert_eq!(problem("00060000 00000000 00000000"), problem("0001"));
    assert_eq!(
        problem("00010000 02000000 0102 0000 00000000"),
        "flags: 2 is no boolean"
    );
    assert_eq!(
        problem("00010000 ffffffff 00"),
        "flags: the message ends too early: 4294967295 bytes are needed, 1 are left"
    );
    assert_eq!(
        problem("00010000 00000000 03000000 00000000 00000000 00000000"),
        "list: 3 elements or characters, 2 are allowed"
    );
    assert_eq!(
        problem("00010000 00000000 02000000 01000000 00 000000 04000000 61626300"),
        "list[1].name: 3 elements or characters, 2 are allowed"
    );
    for text in ["02000000 6162", "03000000 610062", "03000000 610000"] {
        assert_eq!(
            problem(&format!("00010000 00000000 01000000 {text}")),
            "list[0].name: a string does not end with a zero byte, or has one inside"
        );
    }
    let with_rest = |rest: usize| [hex("00010000 00000000 00000000"), vec![9; rest]].concat();
    assert_eq!(definition.check(&with_rest(15)), Ok(12));
    let error = definition.check(&with_rest(16)).expect_err("too much");
    assert_eq!(error.to_string(), "16 bytes follow the message");
}

#[test]
fn json_that_does_not_fit_is_refused_with_its_place() {
    let definition = definition(&format!(
        "uint8 small\nint32[2] pair\nInner inner\nuint8[<=2] bytes\n{}\nMSG: p/Inner\nfloat64 x\nbool y\nstring z\n",
        line()
    ));
    let problem = |text: &str| {
        let result = definition.from_json(text.as_bytes(), LIMIT);
        result.expect_err(text).to_string()
    };
    assert_eq!(
        problem(r#"{"small":256}"#),
        "small: 256 does not fit into the type"
    );
    assert_eq!(
        problem(r#"{"small":-1}"#),
        "small: -1 does not fit into the type"
    );
    assert_eq!(problem(r#"{"small":1.5}"#), "small: not an integer");
    assert_eq!(problem(r#"{"small":null}"#), "small: not an integer");
    assert_eq!(
        problem(r#"{"pair":[1]}"#),
        "pair: 1 elements, exactly 2 are needed"
    );
    assert_eq!(
        problem(r#"{"pair":[1,2,3]}"#),
        "pair[2]: 3 elements or characters, 2 are allowed"
    );
    assert_eq!(problem(r#"{"pair":[1,"x"]}"#), "pair[1]: not an integer");
    assert_eq!(problem(r#"{"pair":{}}"#), "pair: not a list");
    assert_eq!(problem(r#"{"inner":[]}"#), "inner: not an object");
    assert_eq!(
        problem(r#"{"inner":{"w":1}}"#),
        "inner: unknown field \"w\""
    );
    assert_eq!(
        problem(r#"{"inner":{"x":1,"x":2}}"#),
        "inner: field \"x\" is given twice"
    );
    assert_eq!(problem(r#"{"inner":{"y":1}}"#), "inner.y: not a boolean");
    assert_eq!(
        problem(r#"{"inner":{"z":"a\u0000b"}}"#),
        "inner.z: a string does not end with a zero byte, or has one inside"
    );
    assert_eq!(
        problem(r#"{"bytes":"AQID"}"#),
        "bytes: 3 elements or characters, 2 are allowed"
    );
    assert_eq!(
        problem(r#"{"bytes":"?"}"#),
        "bytes: not a list of bytes, or their base64"
    );
    assert!(problem("[1").starts_with("no JSON: "));
    assert!(problem("{} x").starts_with("no JSON: "));
    assert_eq!(problem("[]"), "not an object");
}

#[test]
fn results_are_limited() {
    let definition = definition(&format!(
        "float64[100000000] x\nInner[100000000] y\n{}\nMSG: p/Inner\nstring z\n",
        line()
    ));
    let error = definition.from_json(b"{}", LIMIT).expect_err("large");
    assert_eq!(error.to_string(), "x: larger than 1048576 bytes");
    let bytes = Definition::parse("p/msg/T", "uint8[] x").expect("a definition");
    let message = [hex("00010000 00010000"), vec![200; 256]].concat();
    assert!(bytes.to_json(&message, 1000).is_err());
    assert!(bytes.to_json(&message, 1100).is_ok());
}

#[test]
fn floats_that_json_has_no_numbers_for() {
    let definition = definition("float32[3] x\nfloat64[] y\nint64 z\nuint64 w");
    let text = r#"{"x":["NaN","Infinity","-Infinity"],"y":["NaN",1e300,-0.0],"z":"-9223372036854775808","w":"18446744073709551615"}"#;
    let message = definition
        .from_json(text.as_bytes(), LIMIT)
        .expect("a message");
    assert_eq!(json(&definition, &message), text);
}

#[test]
fn deep_json_does_not_overflow_the_stack() {
    let definition = definition("int32[] x");
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(definition.from_json(deep.as_bytes(), LIMIT).is_err());
}

#[test]
fn a_header_is_recognised() {
    let line = line();
    let header = format!("std_msgs/Header header\n{line}\nMSG: std_msgs/Header\nstring frame_id\n");
    assert!(definition(&header).has_header());
    assert!(!definition("int32 header").has_header());
    assert!(!definition("").has_header());
}
