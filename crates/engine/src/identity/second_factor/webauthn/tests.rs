use super::{
    authenticator::{Authenticator, HERE},
    *,
};
use proptest::prelude::*;

fn holds(key: &Authenticator, cose: &[u8], by: Holder) -> bool {
    key.answer("challenge").verify(HERE, cose, by).is_some()
}

#[test]
fn every_kind_of_key_is_made_and_signs() {
    for mut key in Authenticator::every_kind() {
        let made = key.made("challenge", &[]);
        assert_eq!(made.challenge(HERE), Some("challenge"));
        let made = made.key(HERE).unwrap();
        assert_eq!((made.key, made.credential, made.verified), (key.cose(), key.credential.clone(), true));
        key.counter = 7;
        let answer = key.answer("challenge");
        assert_eq!(answer.challenge(HERE), Some("challenge"));
        assert_eq!(answer.verify(HERE, &key.cose(), Holder::Verified), Some(7));
        key.tamper = 1;
        assert!(!holds(&key, &key.cose(), Holder::Present));
    }
}

#[test]
fn one_thing_that_does_not_fit_is_enough() {
    let mut key = Authenticator::new(b"key");
    let cose = key.cose();
    assert!(holds(&key, &cose, Holder::Verified) && holds(&key, &cose, Holder::Present));
    assert!(!holds(&key, &Authenticator::new(b"key").cose(), Holder::Present), "another's public key");
    // Present alone, verified alone, a copy of what cannot be copied; with the last one all is well again.
    for (flags, present, verified) in
        [(0x01, true, false), (0x04, false, false), (0x15, false, false), (0x1d, true, true)]
    {
        key.flags = flags;
        assert_eq!(holds(&key, &cose, Holder::Present), present, "{flags:#x}");
        assert_eq!(holds(&key, &cose, Holder::Verified), verified, "{flags:#x}");
    }
    for origin in
        ["https://home.test:8444", "https://home.test", "http://home.test:8443", "https://evil.test:8443"]
    {
        origin.clone_into(&mut key.origin);
        assert!(!holds(&key, &cose, Holder::Present) && key.made("challenge", &[]).challenge(HERE).is_none());
    }
    HERE.origin.clone_into(&mut key.origin);
    key.cross_origin = true;
    assert!(!holds(&key, &cose, Holder::Present));
    key.cross_origin = false;
    "evil.test".clone_into(&mut key.rp);
    assert!(!holds(&key, &cose, Holder::Present) && key.made("challenge", &[]).key(HERE).is_none());
}

#[test]
fn what_is_signed_is_what_is_read() {
    let key = Authenticator::new(b"key");
    let mut answer = key.answer("challenge");
    let change = |bytes: &[u8], from: &str, to: &str| {
        String::from_utf8(bytes.to_vec()).unwrap().replace(from, to).into_bytes()
    };
    let client = answer.client.clone();
    answer.client = change(&client, "challenge\":\"challenge", "challenge\":\"another!!");
    assert_eq!(answer.challenge(HERE), Some("another!!"));
    assert!(answer.verify(HERE, &key.cose(), Holder::Present).is_none());
    answer.client = change(&client, "webauthn.get", "webauthn.create");
    assert!(answer.challenge(HERE).is_none() && answer.verify(HERE, &key.cose(), Holder::Present).is_none());
    answer.client = change(&client, "\"more\"", "\"origin\"");
    assert!(answer.challenge(HERE).is_none(), "said twice");
    answer.client = client;
    answer.data[36] ^= 1;
    assert!(answer.verify(HERE, &key.cose(), Holder::Present).is_none(), "another counter");
}

#[test]
fn new_keys_that_cannot_be_verified_are_refused() {
    let mut key = Authenticator::new(b"key");
    assert!(key.made("c", &[]).key(HERE).is_some());
    assert!(key.made("c", &[0]).key(HERE).is_none(), "something follows");
    key.flags |= EXTENDED;
    assert!(key.made("c", &[0xa0]).key(HERE).is_some(), "extensions may");
    key.flags = 0x01;
    assert!(!key.made("c", &[]).key(HERE).unwrap().verified);
    let mut off_the_curve = key.made("c", &[]);
    *off_the_curve.data.last_mut().unwrap() ^= 1;
    assert!(off_the_curve.key(HERE).is_none());
    let mut unattested = key.made("c", &[]);
    unattested.data[32] &= !ATTESTED;
    assert!(unattested.key(HERE).is_none());
    for (credential, fits) in [(0, false), (1, true), (MAX_CREDENTIAL, true), (MAX_CREDENTIAL + 1, false)] {
        key.credential = vec![7; credential];
        assert_eq!(key.made("c", &[]).key(HERE).is_some(), fits, "{credential}");
    }
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(client: Vec<u8>, data: Vec<u8>, cut in 0..600_usize) {
        let made = Attestation { client: client.clone(), data: data.clone() };
        let _ = (made.challenge(HERE), made.key(HERE));
        let key = Authenticator::new(b"key");
        let mut whole = key.made("c", &[]);
        let length = whole.data.len();
        whole.data.truncate(cut);
        prop_assert_eq!(whole.key(HERE).is_some(), cut >= length);
        let answer = Assertion { credential: vec![], client, data, signature: vec![] };
        prop_assert!(answer.verify(HERE, &key.cose(), Holder::Present).is_none());
    }
}
