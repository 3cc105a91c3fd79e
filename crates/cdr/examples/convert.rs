//! Checks and converts messages, so that tests can compare this crate with other implementations
//! of CDR (`test/system/test_cdr_forms.py`).
//!
//! A line of standard input is `{"name": type, "schema": definition, "cdr": hexadecimal}`, answered
//! by `{"json": text, "length": bytes of the message}`, or `{"name", "schema", "json": text}`,
//! answered by `{"cdr": hexadecimal}`; or `{"error": text}`.

use std::io::{stdin, stdout, BufRead, Write};

use remote_access_cdr::Definition;
use serde::Deserialize;
use serde_json::{json, Value};

const LIMIT: usize = 1 << 24;

#[derive(Deserialize)]
struct Line {
    name: String,
    schema: String,
    cdr: Option<String>,
    json: Option<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lock().lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let answer = convert(&line).unwrap_or_else(|error| json!({"error": error.to_string()}));
        writeln!(stdout().lock(), "{answer}")?;
    }
    Ok(())
}

fn convert(line: &Line) -> Result<Value, Box<dyn std::error::Error>> {
    let definition = Definition::parse(&line.name, &line.schema)?;
    if let Some(hexadecimal) = &line.cdr {
        let message = (0..hexadecimal.len() / 2)
            .map(|at| u8::from_str_radix(&hexadecimal[2 * at..2 * at + 2], 16))
            .collect::<Result<Vec<u8>, _>>()?;
        let length = definition.check(&message)?;
        let json = String::from_utf8(definition.to_json(&message, LIMIT)?)?;
        return Ok(json!({"json": json, "length": length}));
    }
    let json = line.json.as_deref().unwrap_or_default();
    let message = definition.from_json(json.as_bytes(), LIMIT)?;
    let hexadecimal: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({"cdr": hexadecimal}))
}
