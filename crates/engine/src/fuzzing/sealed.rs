//! Sealed records and the recovery code: only what we sealed, in its place and whole, ever opens.

use super::text;
use crate::secrets::{DataKey, recovery};
use drawbridge_protocol::Secret;
use secrecy::ExposeSecret as _;
use std::cell::OnceCell;

thread_local! {
    static KEY: OnceCell<DataKey> = const { OnceCell::new() };
}

/// A record from the database: the bytes as they are, and as a value that was sealed and then damaged.
pub fn sealed(bytes: &[u8]) {
    KEY.with(|key| {
        let key = key.get_or_init(|| DataKey::generate("home").unwrap());
        assert!(key.open("user/1", bytes).is_err(), "what was never sealed opened");
        let Some(([at, flip, cut], value)) = bytes.split_first_chunk::<3>() else { return };
        let sealed = key.seal("user/1", value).unwrap();
        assert_eq!(key.open("user/1", &sealed).unwrap().expose_secret(), value);
        assert!(key.open("user/2", &sealed).is_err(), "it opened elsewhere");
        let mut damaged = sealed.clone();
        let place = usize::from(*at) % damaged.len();
        if let Some(byte) = damaged.get_mut(place) {
            *byte ^= flip.max(&1);
        }
        assert!(key.open("user/1", &damaged).is_err(), "byte {place} of a sealed value may change");
        let short = sealed.len().saturating_sub(usize::from(*cut) + 1);
        assert!(key.open("user/1", sealed.get(..short).unwrap_or_default()).is_err());
        let wrapped = key.wrap(&[7; 32], "keys/root").unwrap();
        assert!(DataKey::unwrap_with(&[7; 32], "home", "keys/root", &wrapped).is_ok());
        assert!(DataKey::unwrap_with(&[7; 32], "home", "keys/root", bytes).is_err());
    });
}

/// A recovery code as somebody types it.
pub fn recovery_code(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let key = |code: String| recovery::wrapping_key(&Secret::new(code), "home").unwrap();
    let first = key(typed.to_owned());
    assert_eq!(key(typed.to_ascii_lowercase()), first, "case does not matter");
    assert_eq!(key(typed.to_ascii_uppercase()), first, "case does not matter");
    assert_eq!(key(format!(" {}\r\n", typed.replace('-', " "))), first, "blanks and dashes do not matter");
    assert_eq!(
        key(typed.replace(['o', 'O'], "0").replace(['l', 'I'], "1")),
        first,
        "look-alikes do not matter"
    );
    assert_ne!(key(format!("{typed}2")), first, "a letter more is another code");
    assert_ne!(recovery::wrapping_key(&Secret::new(typed.to_owned()), "elsewhere").unwrap(), first);
}
