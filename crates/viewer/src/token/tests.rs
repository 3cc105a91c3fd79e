use std::time::{SystemTime, UNIX_EPOCH};

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use remote_access_rights::{Holder, Rights, Verifier, VerifyingKey};
use remote_access_room::{EncryptionVariables, Secret};

use super::*;

fn environment() -> Environment {
    Environment {
        url: Some("wss://livekit.example.com".to_owned()),
        api_key: Some("key".to_owned()),
        api_secret: Some(Secret::new("hunter2".to_owned())),
        grant_key_file: None,
        encryption: EncryptionVariables::default(),
    }
}

fn order(line: &str) -> Result<Box<Order>, TokenToolError> {
    match Command::parse(line.split_whitespace(), &environment())? {
        Command::Make(order) => Ok(order),
        other => panic!("{other:?}"),
    }
}

fn claims(token: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn a_link_holds_a_token_whose_grant_counts_and_never_the_secret() {
    let line = "--room robot1 --name anna --see /camera/.* --drive --for 30m --page https://x/";
    let made = order(line).unwrap().make().unwrap();
    let (page, fragment) = made.output.split_once('#').unwrap();
    assert_eq!(page, "https://x/");
    let fields: std::collections::HashMap<_, _> = form_urlencoded::parse(fragment.as_bytes())
        .into_owned()
        .collect();
    assert_eq!(fields["url"], "wss://livekit.example.com");
    let claims = claims(&fields["token"]);
    let identity = claims["sub"].as_str().unwrap();
    assert!(identity.starts_with("anna-") && claims["name"] == "anna");
    let lifetime = claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap();
    assert_eq!(
        lifetime, 1860,
        "30 minutes and a minute for clocks that differ"
    );
    let grant = claims["attributes"]["grant"].as_str().unwrap();
    let verifier = Verifier::new(vec![VerifyingKey::secret("hunter2")]);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let holder = Holder {
        room: "robot1",
        identity,
    };
    let (grant, _) = verifier.verify(grant, holder, now).unwrap();
    assert_eq!(
        grant.rights,
        Rights::parse(["see=/camera/.*", "drive"]).unwrap()
    );
    assert!(
        made.summary.contains("for 0.5 h: see /camera/.*, drive"),
        "{}",
        made.summary
    );
    for text in [&made.output, &made.summary, &format!("{:?}", order(line))] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_robot_gets_a_token_without_rights() {
    let made = order("--room robot1 --robot --name r1 --for 90d")
        .unwrap()
        .make();
    let claims = claims(&made.unwrap().output);
    assert_eq!(claims["sub"], "r1");
    assert_eq!(claims["attributes"], serde_json::json!({"role": "robot"}));
}

#[test]
fn without_rights_a_viewer_watches() {
    let made = order("--room r").unwrap().make().unwrap();
    assert!(made.output.starts_with("http://localhost:8765/#url=wss"));
    assert!(
        made.summary
            .ends_with("for 8 h: see .*, read .*, assets .*"),
        "{}",
        made.summary
    );
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let cases = [
        ("", "--room is missing"),
        ("--room r --fly", "--fly"),
        ("--room r --see /a(", "\"/a(\" of `see`"),
        ("--room r --for 8", "as 30m, 8h or 7d"),
        ("--room r --for 0m", "from 1m to 366d"),
        ("--room r --for 367d", "from 1m to 366d"),
        ("--room r --for ä", "from 1m to 366d"),
        ("--room r --for 99999999999999999999d", "from 1m to 366d"),
        ("--room r --robot", "--robot needs --name"),
        (
            "--room r --robot --name x --drive",
            "rights are for viewers",
        ),
    ];
    for (line, expected) in cases {
        let error = order(line).unwrap_err().to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
    let nothing = Environment::default();
    let error = Command::parse(["--room", "r"], &nothing)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
        "{error}"
    );
    let file = Environment {
        grant_key_file: Some("/nowhere/key.pem".into()),
        ..environment()
    };
    let error = Command::parse(["--room", "r"], &file)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/nowhere/key.pem (REMOTE_ACCESS_GRANT_KEY_FILE)"),
        "{error}"
    );
}

fn with_key(key: Secret) -> EncryptionVariables {
    EncryptionVariables {
        key: Some(key),
        file: None,
    }
}

#[test]
fn a_link_holds_the_key_for_encryption() {
    let environment = Environment {
        encryption: with_key(Secret::new("a key & that nobody guesses".to_owned())),
        ..environment()
    };
    let Ok(Command::Make(order)) = Command::parse(["--room", "r"], &environment) else {
        panic!("no token");
    };
    let made = order.make().unwrap();
    assert!(
        made.output.ends_with("&key=a+key+%26+that+nobody+guesses"),
        "{}",
        made.output
    );
    assert!(!made.summary.contains("nobody"), "{}", made.summary);
    let short = Environment {
        encryption: with_key(Secret::new("short".to_owned())),
        ..environment
    };
    let error = Command::parse(["--room", "r"], &short)
        .unwrap_err()
        .to_string();
    assert!(error.contains("LIVEKIT_E2EE_KEY"), "{error}");
    assert!(error.contains("openssl rand"), "{error}");
}
