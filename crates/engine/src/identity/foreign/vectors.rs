//! Hashes other programs made, and what becomes of them here.
//!
//! Made on 2026-11-21: apr1 and the first SHA-crypt of each with `openssl passwd` (3.0.19; `-apr1`, `-5`, `-6`), bcrypt
//! and SHA-crypt with `rounds=` with Python 3.11's `crypt` over Debian 12's libxcrypt, `{SHA}`, PBKDF2 and scrypt with
//! Python's `hashlib`, called as `werkzeug.security` does.

use super::{BadHash, Foreign};
use proptest::prelude::*;

/// Passwords, each with a hash of every kind.
const FITTING: &[(&str, &[&str])] = &[
    (
        "correct horse battery",
        &[
            "$apr1$Zx81kq.A$ASH1/EqGQiomQha/lLCLp1",
            "$apr1$a$tVJH7vY0FgNXTMAHlPqkx0",
            "$5$sal.t/Salt0123ab$28q9iPSTGRE/V9I24cLpLW2n9TtSGTyn.r7zu4Eere1",
            "$6$s$LTL.y0uZex2622McvG3YQDcKNvwuXwsNohQEyzQrVdN01u8wRYiA4S19WqhS4zHgqe9XQnX96xnf5rcT9DbK.0",
            "$5$rounds=1000$roundsalt$wqZ.mubgEuo49ME5w.qBZ5eB7cW9mpTwVHyb9vftqqD",
            "$6$rounds=1234$roundsalt0123456$mzsS.2G.3fnB4QwZelXqU9erxdwYgAbeMR8nxPCE/vyGE6e1CEITPQ6SiJjmPfwJ1BpJHJb3Bhy3lMNQneGg90",
            "$2a$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
            "$2b$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
            "$2y$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
            "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=",
            "pbkdf2:sha256:1000$Sa1tSa1t$237acee8db2f9c92ef89410ab113cb3508dd9a9beeb8c27428d6c6b063151be9",
            "scrypt:1024:8:1$Sa1tSa1tSa1tSa1t$0d266490b83b9531548d5da1208b3799a1a55755143291a1ddef881068c66fa23a30b725dd44feed7994af9abe1d73f11333ef7a46fd1d08f69ea137dbb71e3e",
        ],
    ),
    (
        "tidy-pw",
        &[
            "$apr1$Zx81kq.A$xP57NTqHxwKurelTZ1APK0",
            "$apr1$a$SlyVOcCBJp1qu8wDtQeD//",
            "$5$sal.t/Salt0123ab$uWHxul3FrY2rWd/AgKJf191ev.c40IMaVlriN8LU296",
            "$6$s$OLZpVP0V5wDpn0P4KuAj/uzNzrbDkOsE2iU0y/gtQo3jr6unGXTIbETAOI7dL2xlpQw3TkUxj9sWhMxgA6Vvf0",
            "$5$rounds=1000$roundsalt$.bSmaeVNp9JlKoXyl0pUXIDAGILcNTkwmyatysuAwi1",
            "$6$rounds=1234$roundsalt0123456$NgtVCutoQs.thBWm4qTdNPiz9Zp5ijuy.9qhDATfsxDxtAzkjTq2q5YP2poy7Ms5qWm8A3SAeAN9q8ie2476X0",
            "$2a$05$abcdefghijklmnopqrstuuFtVjdfRWLqCjWmyo0JU9LhjlhsK9bWK",
            "$2b$05$abcdefghijklmnopqrstuuFtVjdfRWLqCjWmyo0JU9LhjlhsK9bWK",
            "$2y$05$abcdefghijklmnopqrstuuFtVjdfRWLqCjWmyo0JU9LhjlhsK9bWK",
            "{SHA}br3ebsG+BOAWEfJ99BMSL8fdo64=",
            "pbkdf2:sha256:1000$Sa1tSa1t$75cc16a182b94a318085f6192cc49fa6766fa7aa88623b5ba39cbc931527ecc8",
            "scrypt:1024:8:1$Sa1tSa1tSa1tSa1t$a92610aed08d863efbb2d02d96d5d2db3bd59994936ae94b4add07e59c87040e2187de0de6e8da392541b497b4a34149f5fbf3635fdc7137b4b9aa0415c25b86",
        ],
    ),
    (
        "pässwörd ünïcøde!",
        &[
            "$apr1$Zx81kq.A$0qhRhJNLIlZwTJ1wAYQvx1",
            "$apr1$a$Zd/l6umNenVXvWu1YnAiu/",
            "$5$sal.t/Salt0123ab$GaXWk9LCD23.7agku5FEDbsySykCKuXDzdlsPPzFeF1",
            "$6$s$vCByzmiD.Vlkq8eMvfInqx1fU92sx4yIFYqw7Y5R3Sqq6CN.WYtp4C43YXkRbbhCVX6tpGyp7FEoQDXMxpYRX0",
            "$5$rounds=1000$roundsalt$8YNCQEQd2aDX/Fvr6BbauPs6iXsGwXVb01F5nKUDwH4",
            "$6$rounds=1234$roundsalt0123456$DjvjDVFy2iKTmr.3vxOyMnoLuEHFmbOw0GbAHCP4Q5.WGgTN.hYXPGOi7bjkimVos/ZMOBfHvzG2aBTBPNTYI/",
            "$2a$05$abcdefghijklmnopqrstuuSm56wK9ZOAEtkKLlxLvXuVwhR84ebVa",
            "$2b$05$abcdefghijklmnopqrstuuSm56wK9ZOAEtkKLlxLvXuVwhR84ebVa",
            "$2y$05$abcdefghijklmnopqrstuuSm56wK9ZOAEtkKLlxLvXuVwhR84ebVa",
            "{SHA}ySWLMIUbSdU8lk3DQJupwC5HfGg=",
            "pbkdf2:sha256:1000$Sa1tSa1t$d27c6ecf55c6bcc96ac08d159fe64f1be1eccff41b0313c9f8ff6caf1317592c",
            "scrypt:1024:8:1$Sa1tSa1tSa1tSa1t$5aae950af7d2e1e48a0ac2d881e4e6a142e9f558f4691a7ebefebb995717db68c2cff1ab9162ca37f92565f107f98e78c0625e1234b3ca4d0945007f0facec3a",
        ],
    ),
    (
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        &[
            "$apr1$Zx81kq.A$GbkOSnxKY0iO5WHfbznj.1",
            "$apr1$a$zUlTZGctQQfxbUpJ5PF6C/",
            "$5$sal.t/Salt0123ab$NoDhy5GxxskB5EG7bsAcZLy5j9UM20zMWKGXeHspyH9",
            "$6$s$MqjjVaTRzeDKD.jMSfsRMB5KpaEXMa8ITD7flx0pytRCixe8b4kscnsUOczxkZ1eVSKclHCP/3MLFvJs4gT23.",
            "$5$rounds=1000$roundsalt$Td05prpAmOdD8bq7694FhRarjiGZLGhRIZUmVFMHB61",
            "$6$rounds=1234$roundsalt0123456$3GVi1Jw6TH.6DBrhry2KrVMtY5PLVVEJ4iYqhM/0kzIN4pgHO9IayGxJxTYxDeJkBqlBG4Ly5Ds2PyL01MnbX1",
            "$2a$05$abcdefghijklmnopqrstuuQk9RYutw0aDlXfiYBQZtvIPBpAq6Gzi",
            "$2b$05$abcdefghijklmnopqrstuuQk9RYutw0aDlXfiYBQZtvIPBpAq6Gzi",
            "$2y$05$abcdefghijklmnopqrstuuQk9RYutw0aDlXfiYBQZtvIPBpAq6Gzi",
            "{SHA}RzcqeydWnSUGPfXLv3YG9hWo7Co=",
            "pbkdf2:sha256:1000$Sa1tSa1t$86f588d36df59dc97e8dc1f7aa9c4153f02bd19afaa8c9d9078209dfe4eb8e51",
            "scrypt:1024:8:1$Sa1tSa1tSa1tSa1t$d90d4481721187958c347e901c51af9285423fbc10e7746d7bf22c0b550acf5551075a42603de39dfa10a72101f0b441d5548703afc3c15953cb6582d8fb5090",
        ],
    ),
];

/// Right but for what they cost: all of [`PASSWORD`].
const EXPENSIVE: &[&str] = &[
    "$2b$15$abcdefghijklmnopqrstuuYFriorDO4EbXDcskZh5xEwJ37HkeYvW",
    "$5$rounds=1000001$roundsalt$WsFd5W50KHNoB8hJuiVezODDKCicM6WJqLP3FllB7z6",
    "$6$rounds=1000001$roundsalt$cANMykQwi6bAZMGE4AcOf8y8euW8AmCCKyau06IkaA53mB2V75m4vDOEFABTE1A/mv9zfNf/FZSulIQUfKSZG.",
    "pbkdf2:sha256:2000001$Sa1tSa1t$6eac47776b6bae89c6f65c65e66d9b6199220779ad347c31e332efd3d23b1a30",
    "scrypt:65536:16:1$Sa1tSa1tSa1tSa1t$285038e3700c0401b195fd21a957c6e54fd7827a9cdaa3fd45bc0f2569bff684a55e26b3e9e2f6c821bcbf0d15324b401990bbe9be032ca26ae0e11bbb32ca7f",
    "scrypt:16:8:5$Sa1tSa1tSa1tSa1t$7f41c8df706c984e7d4904c08234e76208c5e70b122c7b391aaca518626e409c58bb423e69794c6754ca03a897ac0b81d07bfbe8203409ba9a7310079137cbb3",
    "scrypt:1024:33:1$Sa1tSa1tSa1tSa1t$517a511564bfb509a32bfcbc9565261ebd5c36eb5ae9ec2c809275e84922284068d2cdd15d90e565a63253119cf5c317ad9e89a7acedbe904687049f71b69ae9",
];

const PASSWORD: &str = "correct horse battery";

#[test]
fn hashes_of_other_programs_fit_their_password_and_no_other() {
    for (password, hashes) in FITTING {
        for hash in *hashes {
            let read = Foreign::parse(hash).unwrap_or_else(|error| panic!("{hash}: {error}"));
            assert!(read.fits(password), "{hash}");
            for other in ["", "Correct horse battery", &format!("{password} "), &password[1..]] {
                assert!(!read.fits(other), "{hash} fits `{other}`");
            }
        }
    }
}

#[test]
fn defaults_of_today_are_taken() {
    for hash in [
        "scrypt:32768:8:1$Sa1tSa1tSa1tSa1t$97d97c1b513e6d865eb6d8b7cfcd56edaabf3a30964f77bb6edc811785820f6fe9c98385e06102ca344bbe0399a487a4bac4a71e5bb4169de3630acfed2d1f28",
        // bcrypt at its cap.
        "$2b$14$abcdefghijklmnopqrstuul23KaJPfG17fYq5iST4cMx3J830VIcu",
    ] {
        assert!(Foreign::parse(hash).is_ok_and(|read| read.fits(PASSWORD)), "{hash}");
    }
    for hash in ["$6$rounds=656000$roundsalt$", "$6$rounds=1000000$roundsalt$"] {
        assert!(Foreign::parse(&format!("{hash}{}", ".".repeat(86))).is_ok(), "{hash}");
    }
    let zeros = "0".repeat(64);
    assert!(Foreign::parse(&format!("pbkdf2:sha256:2000000$a${zeros}")).is_ok());
    assert!(Foreign::parse(&format!("scrypt:65536:8:4$a${zeros}{zeros}")).is_ok());
}

#[test]
fn what_costs_too_much_is_refused_although_it_fits() {
    for hash in EXPENSIVE {
        assert_eq!(Foreign::parse(hash).err(), Some(BadHash::Expensive), "{hash}");
    }
    let tail = format!("$a${}", "0".repeat(128));
    for method in
        ["scrypt:131072:8:1", "scrypt:4294967295:1:1", "scrypt:2:4294967295:1", "scrypt:2:1:99999999999"]
    {
        let refused = Foreign::parse(&format!("{method}{tail}")).err();
        assert!(matches!(refused, Some(BadHash::Expensive | BadHash::Damaged)), "{method}: {refused:?}");
    }
}

#[test]
fn other_kinds_and_plain_text_are_unknown() {
    for unknown in [
        "",
        "secret",
        "correct horse battery",
        // Traditional crypt, MD5-crypt, salted SHA, plain text of LDAP, bcrypt of the broken kind, Argon2, yescrypt.
        "abhfCpXqd4GrI",
        "$1$salt$W7Y1vPGGtxGVIY6qatM5e0",
        "{SSHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=",
        "{PLAIN}secret",
        "$2x$05$abcdefghijklmnopqrstuuD3mHdCr44zlIZ.VZCaYRpfQhXMYnEo.",
        "$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
        "$y$j9T$abc$def",
        "md5$salt$hash",
        "pbkdf2:md5:1000$a$b",
        "pbkdf2:sha256:1000:1$a$b",
    ] {
        assert_eq!(Foreign::parse(unknown).err(), Some(BadHash::Unknown), "{unknown}");
    }
}

#[test]
fn what_only_begins_like_a_hash_is_damaged() {
    for (good, bad) in [
        ("$05$", "$5$"),
        ("$05$", "$+5$"),
        ("$05$", "$03$"),
        ("$05$", "$00$"),
        ("uuD3", "uvD3"),
        ("Eo.", "Eo"),
        ("Eo.", "Eoé"),
    ] {
        let hash = FITTING[0].1[7].replacen(good, bad, 1);
        assert_eq!(Foreign::parse(&hash).err(), Some(BadHash::Damaged), "{hash}");
    }
    for damaged in [
        "$apr1$",
        "$apr1$salt",
        "$apr1$$ASH1/EqGQiomQha/lLCLp1",
        "$apr1$ninechars$ASH1/EqGQiomQha/lLCLp1",
        "$apr1$salt$ASH1/EqGQiomQha/lLCLp",
        "$apr1$salt$ASH1/EqGQiomQha/lLCLp1$",
        "{SHA}",
        "{SHA}mN7M",
        "{SHA}!",
        "$5$",
        "$5$salt",
        "$5$salt$short",
        "$6$rounds=$salt$x",
        "$2b$",
        "$2b$05",
        "scrypt:1:1$a$b",
        "pbkdf2:sha256$a$b",
        "scrypt:1024:8:1$$00",
        "pbkdf2:sha256:1000$a",
        "pbkdf2:sha256:01000$a$00",
        "scrypt:1000:8:1$a$00",
    ] {
        assert_eq!(Foreign::parse(damaged).err(), Some(BadHash::Damaged), "{damaged}");
    }
}

#[test]
fn hashes_that_fit_no_password_or_none_of_their_kind_are_damaged() {
    // The last letter's spare bits say something.
    for damaged in [
        format!("$5$salt${}a", ".".repeat(42)),
        format!("$6$salt${}2", ".".repeat(85)),
        format!("$apr1$salt${}2", ".".repeat(21)),
    ] {
        assert_eq!(Foreign::parse(&damaged).err(), Some(BadHash::Damaged), "{damaged}");
    }
    for rounds in ["999", "0", "01000", "+5000", "-1", "5e3", ""] {
        let hash = format!("$5$rounds={rounds}$salt${}", ".".repeat(43));
        assert_eq!(Foreign::parse(&hash).err(), Some(BadHash::Damaged), "{hash}");
    }
    let long = "a".repeat(65);
    let hash = format!("pbkdf2:sha256:1000${long}${}", "0".repeat(64));
    assert_eq!(Foreign::parse(&hash).err(), Some(BadHash::Damaged), "a salt of {} letters", long.len());
}

#[test]
fn no_short_password_filled_up_with_nul_passes_for_a_long_one() {
    // Of `tidy-pw`, which bcrypt reads again and again with a NUL between.
    let bcrypt = Foreign::parse("$2y$05$abcdefghijklmnopqrstuuFtVjdfRWLqCjWmyo0JU9LhjlhsK9bWK").unwrap();
    assert!(bcrypt.fits("tidy-pw"));
    for text in ["tidy-pw\0", "tidy-pw\0tidy-pw\0tidy-pw", "\0"] {
        assert!(!bcrypt.fits(text), "{text:?}");
    }
}

#[test]
fn a_long_password_does_not_multiply_the_work_of_sha_crypt() {
    let longest = "$6$rounds=1000$salt$bTPhDFkwoWwIyHisL/ytaelkk8IDQvxSOiIkor.XUoZDFz7XSKYBt4C1PrTWt..mGFFGRPcEwLhz/OiNbIFBL0";
    assert!(Foreign::parse(longest).unwrap().fits(&"x".repeat(256)));
    let longer = "$6$rounds=1000$salt$1e1JaFjzmC0mgX7WHCm5P4mk239i1czQsKWwwO87hmIcq0Qii5l9EwTQ3U.aGZ8qF1XwZ0xunVTQwOmh1Zl/P/";
    assert!(!Foreign::parse(longer).unwrap().fits(&"x".repeat(257)), "it was hashed");
}

proptest! {
    #[test]
    fn no_text_breaks_the_reading(text in "\\PC{0,120}") {
        let _ = Foreign::parse(&text);
    }

    #[test]
    fn no_text_after_a_known_beginning_breaks_the_reading(
        start in prop::sample::select(vec!["$2y$", "$5$", "$6$rounds=", "$apr1$", "{SHA}", "pbkdf2:sha256:", "scrypt:"]),
        rest in "[$:=./a-f0-9é]{0,100}",
    ) {
        let _ = Foreign::parse(&format!("{start}{rest}"));
    }
}
