//! Defaults are valid, and what the environment lacks is named.

use serde_json::Value;

use super::*;
use remote_access_room::Secret;

const SECRET: &str = "never-shown";

fn environment() -> Environment {
    Environment {
        api_key: Some("key".to_owned()),
        api_secret: Some(Secret::new(SECRET.to_owned())),
        ..Environment::empty("id")
    }
}

fn read(given: &[(&str, &str)], environment: &Environment) -> Result<Config, ConfigError> {
    let mut line = vec!["bridge".to_owned(), "--ros-args".to_owned()];
    for (name, value) in given {
        line.extend(["-p".to_owned(), format!("{name}:={value}")]);
    }
    let arguments = Arguments::parse(line)?;
    Config::read(&arguments.overrides, environment, &arguments.node)
}

fn table() -> Vec<Value> {
    let table = serde_json::to_value(parameter_table()).expect("JSON");
    table.as_array().expect("a list").clone()
}

#[test]
fn every_parameter_takes_its_default() {
    for row in table() {
        let name = row["name"].as_str().expect("a name");
        // The room has none that works with key and secret.
        if name != "room" {
            let default = row["default"].to_string();
            let config = read(&[("room", "a"), (name, &default)], &environment());
            assert!(config.is_ok(), "{name}: {config:?}");
        }
    }
}

#[test]
fn what_the_environment_lacks_is_named_and_no_secret_is() {
    let text = |text: &str| Some(text.to_owned());
    let secret = |text: &str| Some(Secret::new(text.to_owned()));
    let full = environment;
    let cases = [
        (
            Environment {
                api_key: None,
                ..full()
            },
            "both LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
        ),
        (
            Environment {
                api_secret: None,
                ..full()
            },
            "both LIVEKIT_API_KEY and LIVEKIT_API_SECRET",
        ),
        (
            Environment {
                api_key: None,
                api_secret: None,
                ..full()
            },
            "set LIVEKIT_TOKEN",
        ),
        (
            Environment {
                url: text("ftp://server"),
                ..full()
            },
            "\"ftp://server\" is not the URL",
        ),
        (
            Environment {
                token_endpoint: text("file:///token"),
                token_endpoint_key: secret(SECRET),
                ..full()
            },
            "LIVEKIT_TOKEN_ENDPOINT",
        ),
    ];
    for (environment, said) in cases {
        let error = read(&[("room", "a")], &environment)
            .expect_err(said)
            .to_string();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains(SECRET), "{error}");
    }
    let error = read(&[], &environment()).expect_err("no room").to_string();
    assert!(error.contains("parameter room is empty"), "{error}");
    let token = Environment {
        token: secret(SECRET),
        api_key: None,
        api_secret: None,
        ..full()
    };
    let config = read(&[], &token).expect("a token names its room");
    assert!(!format!("{config:?}").contains(SECRET));
}

#[test]
fn a_parameter_counts_before_the_environment() {
    let mut environment = environment();
    environment.url = Some("wss://variable".to_owned());
    let url = |given: &[(&str, &str)]| read(given, &environment).expect("it is right").endpoint.url;
    assert_eq!(url(&[("room", "a")]), "wss://variable");
    let given = [("room", "a"), ("livekit_url", "wss://parameter")];
    assert_eq!(url(&given), "wss://parameter");
    environment.url = None;
    let config = read(&[("room", "7")], &environment).expect("a number is a text");
    assert_eq!(config.endpoint.url, DEFAULT_URL);
    assert_eq!(config.name, "robot1");
}
