//! Every way to make a token that is not one.

use super::*;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const NOW: Timestamp = Timestamp(1_790_000_000);

fn signer() -> Signer {
    Signer::new(NOW).unwrap()
}

fn bearer(expires: u64) -> Bearer<'static> {
    Bearer { name: "anna", session: "abc", expires: Timestamp(NOW.0 + expires) }
}

fn pair(signer: &Signer) -> Pair {
    signer.pair(&bearer(100_000), "once", NOW).unwrap()
}

/// A token with this header and these claims, signed with the signer's key as HS256 whatever the header says.
fn forged(signer: &Signer, header: &str, claims: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &signer.keys[0].bytes);
    let signature = aws_lc_rs::hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn header(signer: &Signer) -> String {
    format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{}"}}"#, signer.keys[0].id)
}

fn claims(signer: &Signer) -> String {
    let (iat, exp) = (NOW.0, NOW.0 + 60);
    format!(
        r#"{{"sub":"anna","iat":{iat},"exp":{exp},"type":"access","aud":"{}","sid":"abc"}}"#,
        signer.audience
    )
}

fn opens(signer: &Signer, text: &str) -> bool {
    signer.read(text, Kind::Access, NOW).is_some()
}

#[test]
fn a_pair_is_read_as_what_it_is_and_nothing_else() {
    let signer = signer();
    let pair = pair(&signer);
    let access = signer.read(pair.access.expose(), Kind::Access, NOW).unwrap();
    assert_eq!((access.sub.as_str(), access.sid.as_str(), access.jti), ("anna", "abc", None));
    let refresh = signer.read(pair.refresh.expose(), Kind::Refresh, NOW).unwrap();
    assert_eq!(refresh.jti.as_deref(), Some("once"));
    assert!(signer.read(pair.refresh.expose(), Kind::Access, NOW).is_none());
    assert!(signer.read(pair.access.expose(), Kind::Refresh, NOW).is_none());
}

#[test]
fn the_forger_of_these_tests_makes_good_ones_too() {
    let signer = signer();
    assert!(opens(&signer, &forged(&signer, &header(&signer), &claims(&signer))));
}

#[test]
fn another_algorithm_key_type_or_audience_is_refused() {
    let signer = signer();
    let (kid, good) = (&signer.keys[0].id, claims(&signer));
    for algorithm in ["none", "None", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
        let header = format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":"{kid}"}}"#);
        assert!(!opens(&signer, &forged(&signer, &header, &good)), "{algorithm}");
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&good));
        assert!(!opens(&signer, &unsigned), "{algorithm} without a signature");
    }
    for header in [
        r#"{"typ":"JWT","alg":"HS256"}"#.to_owned(),
        r#"{"typ":"JWT","alg":"HS256","kid":"other"}"#.to_owned(),
        format!(r#"{{"alg":"HS256","alg":"HS256","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"none","alg":"HS256","kid":"{kid}"}}"#),
    ] {
        assert!(!opens(&signer, &forged(&signer, &header, &good)), "{header}");
    }
    let other = Signer::new(NOW).unwrap();
    assert!(!opens(&signer, pair(&other).access.expose()), "of another installation");
    let audience = claims(&other);
    assert!(!opens(&signer, &forged(&signer, &header(&signer), &audience)), "for another installation");
}

#[test]
fn claims_that_could_be_read_in_two_ways_are_refused() {
    let signer = signer();
    let good = claims(&signer);
    let aud = &signer.audience;
    for (from, to) in [
        (r#""sub":"anna""#.to_owned(), r#""sub":"bert","sub":"anna""#.to_owned()),
        (r#""type":"access""#.to_owned(), r#""type":"refresh","type":"access""#.to_owned()),
        (r#""type":"access""#.to_owned(), r#""type":"Access""#.to_owned()),
        (r#""type":"access","#.to_owned(), String::new()),
        (r#""sid":"abc""#.to_owned(), r#""sid":"abc","admin":true"#.to_owned()),
        (r#""sid":"abc""#.to_owned(), r#""sid":null"#.to_owned()),
        (format!(r#""aud":"{aud}""#), format!(r#""aud":["{aud}","x"]"#)),
        (format!(r#""exp":{}"#, NOW.0 + 60), format!(r#""exp":{}"#, NOW.0)),
        (format!(r#""exp":{}"#, NOW.0 + 60), r#""exp":"never""#.to_owned()),
        (format!(r#""exp":{}"#, NOW.0 + 60), r#""exp":-1"#.to_owned()),
        (format!(r#""exp":{}"#, NOW.0 + 60), r#""nbf":0"#.to_owned()),
        (format!(r#""iat":{}"#, NOW.0), format!(r#""iat":{}"#, NOW.0 + 100_000)),
    ] {
        let text = good.replace(&from, &to);
        assert_ne!(text, good, "{from}");
        assert!(!opens(&signer, &forged(&signer, &header(&signer), &text)), "{text}");
    }
}

#[test]
fn a_token_that_was_touched_or_is_too_long_is_refused() {
    let signer = signer();
    let text = pair(&signer).access.expose().to_owned();
    for place in 0..text.len() {
        let mut touched = text.clone().into_bytes();
        touched[place] = if touched[place] == b'A' { b'B' } else { b'A' };
        let touched = String::from_utf8(touched).unwrap();
        // The last letter holds two bits that stand for nothing; the library refuses those too.
        assert!(!opens(&signer, &touched), "letter {place}");
    }
    for text in
        [format!("{text}="), format!("{text}."), format!(".{text}"), format!(" {text}"), text[1..].to_owned()]
    {
        assert!(!opens(&signer, &text));
    }
    let long = claims(&signer).replace("anna", &"a".repeat(2000));
    assert!(!opens(&signer, &forged(&signer, &header(&signer), &long)));
    for text in ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30"] {
        assert!(!opens(&signer, text) && !signer.is_named_by(text), "{text}");
    }
}

#[test]
fn time_decides_in_both_directions() {
    let signer = signer();
    let pair = pair(&signer);
    let at = |seconds: i64| {
        let now = Timestamp(NOW.0.saturating_add_signed(seconds));
        signer.read(pair.access.expose(), Kind::Access, now).is_some()
    };
    assert!(at(0) && at(899) && !at(900) && !at(100_000));
    assert!(at(-300) && !at(-301), "a clock far behind its making is not believed");
    let short = signer.pair(&bearer(10), "once", NOW).unwrap();
    assert_eq!(short.lifetime, Duration::from_secs(10), "never longer than the sign-in");
}

#[test]
fn keys_are_replaced_and_the_last_one_still_counts() {
    let first = signer();
    let text = pair(&first).access.expose().to_owned();
    assert!(first.rotated(Timestamp(NOW.0 + KEY_AGE.as_secs() - 1)).unwrap().is_none());
    let second = first.rotated(Timestamp(NOW.0 + KEY_AGE.as_secs())).unwrap().unwrap();
    assert!(opens(&second, &text));
    assert!(!opens(&first, pair(&second).access.expose()));
    let third = second.rotated(Timestamp(NOW.0 + 2 * KEY_AGE.as_secs())).unwrap().unwrap();
    assert_eq!(third.keys.len(), 2);
    assert!(!opens(&third, &text));
    assert!(third.is_named_by(&text), "still ours, so no tool sees it");
}

#[test]
fn the_sealed_form_is_read_back_and_damage_is_not() {
    let signer = signer();
    let back = Signer::from_bytes(&signer.to_bytes()).unwrap();
    assert!(opens(&back, pair(&signer).access.expose()));
    for damaged in [
        "",
        "{}",
        r#"{"audience":"a","keys":[]}"#,
        r#"{"audience":"a","keys":[{"id":"a","created":1,"key":"AA=="}]}"#,
    ] {
        assert!(Signer::from_bytes(damaged.as_bytes()).is_none(), "{damaged}");
    }
}
