//! Reads what others wrote and writes it again, so that tests can compare this crate with other
//! implementations of the protocol (`test/system/test_wire_forms.py`, `test_vendor_gateway.py`).
//!
//! A line of standard input is `{"from": "robot" or "viewer", "stream": frames in hexadecimal}`,
//! the line that answers it a list with an object for each frame: `read`, what the message is in
//! this crate's own words, and `written`, the same message as a frame of this crate; or `error`.

use std::io::{stdin, stdout, BufRead, Write};

use bytes::Bytes;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::{Frame, FrameDecoder, Opcode};
use remote_access_protocol::server::{message_data, BinaryMessage, ServerMessage};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Line {
    from: Sender,
    stream: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Sender {
    Robot,
    Viewer,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Message { read: String, written: String },
    Error { error: String },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in stdin().lock().lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let mut decoder = FrameDecoder::default();
        decoder.push(&from_hex(&line.stream)?);
        let mut answers = Vec::new();
        while let Some(frame) = decoder.next_frame()? {
            let answer = match line.from {
                Sender::Robot => robots(frame),
                Sender::Viewer => viewers(frame),
            };
            answers.push(answer.unwrap_or_else(|error| Answer::Error {
                error: error.to_string(),
            }));
        }
        let mut out = stdout().lock();
        serde_json::to_writer(&mut out, &answers)?;
        writeln!(out)?;
    }
    Ok(())
}

fn viewers(frame: Frame) -> Result<Answer, Box<dyn std::error::Error>> {
    let message = ClientMessage::parse(frame)?;
    Ok(answer(format!("{message:?}"), message.frame()))
}

fn robots(frame: Frame) -> Result<Answer, Box<dyn std::error::Error>> {
    if frame.opcode == Opcode::Text {
        let message: ServerMessage = serde_json::from_slice(&frame.payload)?;
        return Ok(answer(format!("{message:?}"), message.frame()));
    }
    let message = BinaryMessage::parse(frame.payload)?;
    let written = match &message {
        // As the robot does it, which does not copy the message.
        BinaryMessage::MessageData {
            channel,
            log_time,
            message,
        } => message_data(*channel, *log_time, message),
        other => other.frame(),
    };
    Ok(answer(format!("{message:?}"), written))
}

fn answer(read: String, written: Option<Bytes>) -> Answer {
    match written {
        Some(frame) => Answer::Message {
            read,
            written: frame.iter().map(|byte| format!("{byte:02x}")).collect(),
        },
        None => Answer::Error {
            error: "longer than a frame may be".to_owned(),
        },
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16))
        .collect()
}
