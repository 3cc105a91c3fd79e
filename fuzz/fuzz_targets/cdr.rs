//! Any definition, and any bytes as a message of it, in CDR and in JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use remote_access_cdr::Definition;

const LIMIT: usize = 1 << 16;

/// All kinds of fields, for when the bytes make no definition of their own.
const FIELDS: &str = "bool a\nstring<=5 b\nInner[] c\nfloat64[<=3] d\nwstring e\nbyte[2] f\nInner[2] g\nint64 h 5\n\
================================================================================\nMSG: p/Inner\nstring x\nuint16[] y\n";

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|&byte| byte == 0xff).unwrap_or(0);
    let (text, bytes) = data.split_at(split);
    let given = std::str::from_utf8(text).map(|text| Definition::parse("p/msg/T", text));
    let definition = match given {
        Ok(Ok(definition)) if !text.is_empty() => definition,
        _ => Definition::parse("p/msg/T", FIELDS).expect("a definition"),
    };
    let bytes = bytes.get(1..).unwrap_or_default();
    let measured = definition.measure(bytes);
    if let Ok(length) = measured {
        assert!(length <= bytes.len());
    }
    if let Ok(json) = definition.to_json(bytes, LIMIT) {
        assert!(measured.is_ok() && json.len() <= LIMIT);
    }
    if let Ok(message) = definition.from_json(bytes, LIMIT) {
        assert!(message.len() <= LIMIT);
        assert_eq!(definition.check(&message), Ok(message.len()));
    }
});
