//! What counts as a grant, and what an attacker tries.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use jsonwebtoken::{encode, Algorithm, EncodingKey, Header};
use proptest::prelude::*;
use remote_access_rights::{
    Grant, GrantError, Holder, Rights, SigningKey, Verifier, VerifyingKey, AUDIENCE, MAX_GRANT,
};
use serde_json::{json, Value};

const NOW: u64 = 1_800_000_000;
const SECRET: &str = "the secret of the API key";
const ANNA: Holder<'static> = Holder {
    room: "robot1",
    identity: "anna",
};
/// Made by `openssl genpkey -algorithm ed25519`, with `openssl pkey -pubout` of it.
const PRIVATE: &str = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const PUBLIC: &str = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";

fn grant() -> Grant {
    Grant {
        room: "robot1".into(),
        identity: "anna".into(),
        not_before: Some(NOW - 60),
        expires: NOW + 3600,
        rights: Rights::parse(["see=/camera/.*", "drive"]).unwrap(),
    }
}

fn by_secret() -> Verifier {
    Verifier::new(vec![VerifyingKey::secret(SECRET)])
}

fn by_public_key() -> Verifier {
    Verifier::new(vec![VerifyingKey::public(PUBLIC).unwrap()])
}

fn signed(claims: &Value) -> String {
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    encode(&Header::default(), claims, &key).unwrap()
}

/// A token of these parts, the last one as it is.
fn token(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    [
        part(header.to_string().as_bytes()),
        part(claims.to_string().as_bytes()),
        part(signature),
    ]
    .join(".")
}

fn claims() -> Value {
    json!({"aud": AUDIENCE, "sub": "anna", "room": "robot1", "exp": NOW + 3600, "rights": {"see": [".*"]}})
}

fn refusal(text: &str) -> GrantError {
    by_secret().verify(text, ANNA, NOW).unwrap_err()
}

#[test]
fn a_grant_gives_its_rights_to_its_holder() {
    let keys = [
        (SigningKey::secret(SECRET), by_secret()),
        (SigningKey::private(PRIVATE).unwrap(), by_public_key()),
    ];
    for (key, verifier) in keys {
        let text = grant().sign(&key).unwrap();
        let (read, rules) = verifier.verify(&text, ANNA, NOW).unwrap();
        assert_eq!(read, grant());
        assert!(rules.drive && rules.see.has("/camera/image") && !rules.see.has("/tf"));
        assert!(text.len() < 400, "{}", text.len());
    }
}

#[test]
fn a_grant_of_any_library_counts_if_it_says_the_same() {
    let mut claims = claims();
    claims["iss"] = json!("key");
    claims["iat"] = json!(NOW);
    assert!(by_secret().verify(&signed(&claims), ANNA, NOW).is_ok());
}

#[test]
fn it_counts_for_one_identity_in_one_room_and_time() {
    let text = grant().sign(&SigningKey::secret(SECRET)).unwrap();
    let with = |room, identity, now| {
        let holder = Holder { room, identity };
        by_secret().verify(&text, holder, now).map(|_| ())
    };
    assert_eq!(with("robot1", "anna", NOW), Ok(()));
    assert_eq!(with("robot2", "anna", NOW), Err(GrantError::OtherRoom));
    for identity in ["berta", "Anna", "anna ", "", "anna\0"] {
        assert_eq!(
            with("robot1", identity, NOW),
            Err(GrantError::OtherIdentity)
        );
    }
    assert_eq!(with("robot1", "anna", NOW + 3599), Ok(()));
    assert_eq!(with("robot1", "anna", NOW + 3600), Err(GrantError::Expired));
    // A clock that is a little slow, and one that starts in 1970.
    assert_eq!(with("robot1", "anna", NOW - 100), Ok(()));
    assert_eq!(with("robot1", "anna", 0), Err(GrantError::NotYet));
    assert_eq!(with("robot1", "anna", u64::MAX), Err(GrantError::Expired));
}

#[test]
fn what_is_not_signed_by_the_key_is_refused() {
    let other = grant().sign(&SigningKey::secret("another secret")).unwrap();
    assert_eq!(refusal(&other), GrantError::Signature);
    for alg in ["none", "None", "NONE", "", "HS256 "] {
        let unsigned = token(&json!({"alg": alg, "typ": "JWT"}), &claims(), b"");
        assert_eq!(refusal(&unsigned), GrantError::Malformed, "{alg}");
    }
    let stripped = signed(&claims());
    let stripped = stripped.rsplit_once('.').unwrap().0;
    assert_eq!(refusal(&format!("{stripped}.")), GrantError::Signature);
    assert_eq!(refusal(stripped), GrantError::Malformed);
    let more = json!({"aud": AUDIENCE, "sub": "anna", "room": "robot1", "exp": NOW + 3600, "rights": Rights::all()});
    let signature = signed(&claims()).rsplit_once('.').unwrap().1.to_owned();
    let forged = token(&json!({"alg": "HS256", "typ": "JWT"}), &more, b"");
    let forged = forged + &signature;
    assert_eq!(refusal(&forged), GrantError::Signature);
}

/// The public key is no secret: who signs with it as if it were one must not get through.
#[test]
fn a_key_counts_with_its_own_algorithm_alone() {
    let der = base64::engine::general_purpose::STANDARD
        .decode(PUBLIC)
        .unwrap();
    let raw = &der[12..];
    for secret in [PUBLIC.as_bytes(), &der, raw] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let key = EncodingKey::from_secret(secret);
            let forged = encode(&Header::new(algorithm), &claims(), &key).unwrap();
            let result = by_public_key().verify(&forged, ANNA, NOW);
            assert_eq!(result.unwrap_err(), GrantError::NoKey);
        }
    }
    let by_key = grant()
        .sign(&SigningKey::private(PRIVATE).unwrap())
        .unwrap();
    assert_eq!(refusal(&by_key), GrantError::NoKey);
    let both = Verifier::new(vec![
        VerifyingKey::secret(SECRET),
        VerifyingKey::public(PUBLIC).unwrap(),
    ]);
    assert!(both.verify(&by_key, ANNA, NOW).is_ok());
    let (_, rest) = by_key.split_once('.').unwrap();
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256"}).to_string());
    let relabelled = format!("{header}.{rest}");
    assert_eq!(
        both.verify(&relabelled, ANNA, NOW).unwrap_err(),
        GrantError::Signature
    );
    let rs = token(
        &json!({"alg": "RS256", "jwk": {"kty": "oct", "k": ""}}),
        &claims(),
        b"x",
    );
    assert!(both.verify(&rs, ANNA, NOW).is_err());
    assert_eq!(
        Verifier::default().verify(&by_key, ANNA, NOW).unwrap_err(),
        GrantError::NoKey
    );
}

#[test]
fn an_access_token_of_the_same_secret_is_no_grant() {
    let access = json!({"iss": "key", "sub": "anna", "exp": NOW + 3600, "video": {"room": "robot1", "roomJoin": true}});
    assert_eq!(refusal(&signed(&access)), GrantError::OtherAudience);
    let mut other = claims();
    other["aud"] = json!("something else");
    assert_eq!(refusal(&signed(&other)), GrantError::OtherAudience);
}

#[test]
fn rights_that_cannot_be_kept_are_refused_and_not_signed() {
    for rights in [
        json!({"see": ["("]}),
        json!({"see": vec!["/a"; 65]}),
        json!({"see": ["a".repeat(257)]}),
        json!({"see": ["(a{1000}){1000}"]}),
    ] {
        let mut claims = claims();
        claims["rights"] = rights.clone();
        assert!(
            matches!(refusal(&signed(&claims)), GrantError::Rights(_)),
            "{rights}"
        );
        let rights: Rights = serde_json::from_value(rights).unwrap();
        let grant = Grant { rights, ..grant() };
        assert!(grant.sign(&SigningKey::secret(SECRET)).is_err());
    }
    let long = "x".repeat(MAX_GRANT + 1);
    assert_eq!(refusal(&long), GrantError::TooLong(MAX_GRANT + 1));
    let rights = Rights {
        see: (0..60)
            .map(|number| format!("/{number}{}", "a".repeat(60)))
            .collect(),
        ..Rights::default()
    };
    let error = Grant { rights, ..grant() }.sign(&SigningKey::secret(SECRET));
    assert!(error
        .unwrap_err()
        .to_string()
        .contains("fewer or shorter patterns"));
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text in "\\PC{0,200}") {
        prop_assert!(by_secret().verify(&text, ANNA, NOW).is_err());
        prop_assert!(by_public_key().verify(&text, ANNA, NOW).is_err());
    }

    #[test]
    fn any_change_of_a_grant_is_seen(at in 0usize..300, byte in any::<u8>()) {
        let text = grant().sign(&SigningKey::secret(SECRET)).unwrap();
        let mut bytes = text.clone().into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(by_secret().verify(&changed, ANNA, NOW).is_err());
        }
    }
}
