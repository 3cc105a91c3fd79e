//! Grants of viewers: any text as a grant, and any claims under a good signature.
#![no_main]

use std::sync::LazyLock;

use jsonwebtoken::{encode, EncodingKey, Header};
use libfuzzer_sys::fuzz_target;
use remote_access_rights::{Holder, Rights, Verifier, VerifyingKey};
use serde_json::Value;

const SECRET: &str = "secret";
const HOLDER: Holder<'static> = Holder {
    room: "r",
    identity: "i",
};

static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(vec![VerifyingKey::secret(SECRET)]));

fuzz_target!(|text: &str| {
    assert!(VERIFIER.verify(text, HOLDER, 1).is_err() || text.len() > 100);
    let _ = VerifyingKey::public(text);
    if let Ok(rights) = Rights::parse(text.lines()) {
        if let Ok(rules) = rights.compile() {
            let _ = rules.see.has(text);
        }
    }
    // Whoever signs makes mistakes: what comes behind the signature is looked at as well.
    if let Ok(claims) = serde_json::from_str::<Value>(text) {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        if let Ok(signed) = encode(&Header::default(), &claims, &key) {
            let _ = VERIFIER.verify(&signed, HOLDER, 1);
        }
    }
});
