//! What passkeys say: read whole or refused, and nothing is signed that was not.

use crate::identity::second_factor::webauthn::{Assertion, Attestation, Holder, Site};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A new key's data, an answer's data, what a browser says about either, and a stored key.
pub fn passkey(bytes: &[u8]) {
    let site = Site { origin: "https://home.test:8443", rp: "home.test" };
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let made = Attestation::read(&text, &text).unwrap();
    let _ = made.challenge(site);
    if let Some(key) = made.key(site) {
        assert!((1..=1023).contains(&key.credential.len()));
        assert!(bytes.windows(key.key.len()).any(|part| part == key.key), "a key that was not sent");
        let elsewhere = Site { rp: "evil.test", ..site };
        assert!(made.key(elsewhere).is_none(), "a key for two names");
        let client = br#"{"type":"webauthn.get","challenge":"c","origin":"https://home.test:8443"}"#;
        let client = URL_SAFE_NO_PAD.encode(client);
        let answer = Assertion::read("aWQ", &client, &text, &text).unwrap();
        assert_eq!(answer.challenge(site), Some("c"));
        assert!(answer.verify(site, &key.key, Holder::Present).is_none(), "nothing was signed");
    }
    let answer = Assertion::read(&text, &text, &text, &text).unwrap();
    assert!(answer.verify(site, bytes, Holder::Present).is_none());
}
