//! Rules at their edges, and what verifying finds.

use super::*;

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

#[test]
fn rules_hold_at_their_edges() {
    assert_eq!(check(&secret("vK3#q9z"), "anna"), Err(BadPassword::TooShort));
    assert_eq!(check(&secret("vK3#q9zT"), "anna"), Ok(()));
    assert_eq!(check(&secret(&"kf93Lq".repeat(171)), "anna"), Err(BadPassword::TooLong));
    assert_eq!(check(&secret("ünïcødé!"), "anna"), Ok(()));
    for common in ["password", "12345678", "qwertyuiop", "iloveyou", "Password1"] {
        assert_eq!(check(&secret(common), "anna"), Err(BadPassword::Common), "{common}");
    }
    assert_eq!(check(&secret("annabella"), "annabella"), Err(BadPassword::Common));
    assert!(!is_strong(&secret("14-characters!")));
    assert!(is_strong(&secret("15-characters!!")));
}

#[tokio::test]
async fn right_password_fits_and_wrong_or_unknown_do_not() {
    let hasher = Hasher::new().unwrap();
    let hash = hasher.hash(secret("correct horse")).await.unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
    let verify = async |text, hash| hasher.verify(secret(text), hash).await.unwrap();
    assert!(matches!(verify("correct horse", Some(hash.clone())).await, Fit::Right));
    assert!(matches!(verify("correct horsf", Some(hash)).await, Fit::Wrong));
    assert!(matches!(verify("correct horse", None).await, Fit::Wrong));
}

#[tokio::test]
async fn hash_of_less_work_is_made_anew_when_its_password_is_seen() {
    let hasher = Hasher::new().unwrap();
    let params = [
        (MEMORY_KIB / 2, PASSES, LANES),
        (MEMORY_KIB, PASSES - 1, LANES),
        (MEMORY_KIB / 8, PASSES + 3, LANES + 1),
    ];
    for (memory, passes, lanes) in params {
        let params = Params::new(memory, passes, lanes, None).unwrap();
        let older = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = older.hash_password_with_salt(b"correct horse", b"0123456789abcdef").unwrap();
        let hash = secret(&hash.to_string());
        let wrong = hasher.verify(secret("correct horsf"), Some(hash.clone())).await.unwrap();
        assert!(matches!(wrong, Fit::Wrong));
        let Fit::Renewed(new) = hasher.verify(secret("correct horse"), Some(hash)).await.unwrap() else {
            panic!("m={memory}, t={passes}, p={lanes} stays as it is");
        };
        assert!(new.expose().starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
        let again = hasher.verify(secret("correct horse"), Some(new)).await.unwrap();
        assert!(matches!(again, Fit::Right), "once is enough");
    }
}

#[tokio::test]
async fn hash_of_more_work_stays() {
    let params = Params::new(MEMORY_KIB + 1024, PASSES, LANES, None).unwrap();
    let newer = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = newer.hash_password_with_salt(b"correct horse", b"0123456789abcdef").unwrap().to_string();
    let hasher = Hasher::new().unwrap();
    let found = hasher.verify(secret("correct horse"), Some(secret(&hash))).await.unwrap();
    assert!(matches!(found, Fit::Right));
}

#[tokio::test]
async fn hash_made_elsewhere_is_made_anew_and_beyond_a_cap_never_fits() {
    let hasher = Hasher::new().unwrap();
    let verify = async |text, hash| hasher.verify(secret(text), Some(secret(hash))).await.unwrap();
    // Both from `foreign/vectors.rs`, of the same password.
    let taken = "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.";
    let costly = "scrypt:16:8:5$Sa1tSa1tSa1tSa1t$7f41c8df706c984e7d4904c08234e76208c5e70b122c7b391aaca518626e409c58bb423e69794c6754ca03a897ac0b81d07bfbe8203409ba9a7310079137cbb3";
    let Fit::Renewed(new) = verify("correct horse battery", taken).await else { panic!("not renewed") };
    assert!(matches!(verify("correct horse battery", new.expose()).await, Fit::Right));
    assert!(matches!(verify("correct horse batterz", taken).await, Fit::Wrong));
    assert!(matches!(verify("correct horse battery", costly).await, Fit::Wrong));
    for damaged in ["", "$argon2id$", "correct horse battery", "$2y$05$"] {
        assert!(matches!(verify("correct horse battery", damaged).await, Fit::Wrong), "{damaged}");
    }
}

/// An account whose hash is cheap must not be told from one that does not exist by an early answer.
#[test]
fn a_wrong_password_costs_one_hash_of_today_whatever_hash_it_is_tried_against() {
    let dummy = hash_now(&secret("dummy")).unwrap();
    let current = hash_now(&secret("correct horse")).unwrap();
    let low = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(1024, 1, 1, None).unwrap());
    let low = low.hash_password_with_salt(b"correct horse", b"0123456789abcdef").unwrap().to_string();
    let costly = format!("$2y$31${}", "a".repeat(53));
    let tried = |hash: &Secret| {
        let seen = std::cell::RefCell::new(Vec::new());
        let verify = |password: &Secret, hash: &Secret| {
            assert_eq!(password.expose(), "wrong");
            seen.borrow_mut().push(hash.expose().to_owned());
            false
        };
        assert!(matches!(fit(&secret("wrong"), hash, &dummy, verify), Fit::Wrong));
        seen.into_inner()
    };
    assert_eq!(tried(&current), [current.expose()]);
    assert_eq!(tried(&secret(&low)), [low.as_str(), dummy.expose()]);
    for foreign in ["{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=", "$apr1$a$tVJH7vY0FgNXTMAHlPqkx0", &costly, ""] {
        assert_eq!(tried(&secret(foreign)), [dummy.expose()], "{foreign}");
    }
}

#[tokio::test]
async fn full_queue_says_so_at_once() {
    let hasher = Hasher::new().unwrap();
    let places: Vec<_> = (0..WAITING).map(|_| Place::take(&hasher.waiting).unwrap()).collect();
    assert!(matches!(hasher.verify(secret("x"), None).await, Err(HashError::Busy)));
    drop(places);
    assert!(hasher.verify(secret("x"), None).await.is_ok());
}
