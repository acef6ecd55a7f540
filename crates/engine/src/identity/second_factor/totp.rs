//! Codes by time (RFC 6238): SHA-1, six digits, thirty seconds, the only kind every authenticator app makes.
//!
//! Written here over the HMAC we have: totp-rs would bring a second implementation of SHA-1 and HMAC for the thirty
//! lines below, and keep seeds in types that can be printed.

use crate::{
    clock::Timestamp,
    random::{self, NoRandomness},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use drawbridge_protocol::Secret;
use secrecy::{ExposeSecret, SecretBox};
use url::form_urlencoded;

/// What an authenticator app and this computer share.
#[derive(Debug)]
pub(crate) struct Seed(SecretBox<[u8; SEED_BYTES]>);

/// Thirty seconds, counted from 1970.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Step(pub(crate) u64);

impl Seed {
    /// A new one.
    pub(crate) fn generate() -> Result<Self, NoRandomness> {
        Ok(Self(SecretBox::new(Box::new(random::bytes()?))))
    }

    /// One that was kept; nothing where it is none.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(SecretBox::new(Box::new(bytes.try_into().ok()?))))
    }

    /// What is sealed.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// In base 32 (RFC 4648 §6), as people type it: 32 letters and digits, no padding.
    pub(crate) fn base32(&self) -> Secret {
        let mut text = String::with_capacity(SEED_BYTES / 5 * 8);
        for group in self.expose().chunks_exact(5) {
            let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            text.extend((0..8).rev().map(|place| {
                let index = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
                BASE32.get(index).copied().map_or('A', char::from)
            }));
        }
        Secret::new(text)
    }

    /// What a QR code for authenticator apps says (Key Uri Format of Google Authenticator). Algorithm, digits and period
    /// are what apps take without being told.
    pub(crate) fn uri(&self, account: &str) -> Secret {
        let name: String = form_urlencoded::byte_serialize(account.as_bytes()).collect();
        // In a path a blank is never `+`; a plus sign itself is written `%2B`.
        let name = name.replace('+', "%20");
        let seed = self.base32();
        Secret::new(format!("otpauth://totp/{ISSUER}:{name}?secret={}&issuer={ISSUER}", seed.expose()))
    }

    /// The step this code belongs to, if it is of now, the one before or the one after.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp) -> Option<Step> {
        let present = now.0 / STEP_SECONDS;
        let steps = present.saturating_sub(WINDOW)..=present.saturating_add(WINDOW);
        // All of them are tried, whichever fits; of two that fit the later one counts, so that both are spent.
        steps.map(Step).filter(|step| fits(&self.code(*step), code)).fold(None, |_, step| Some(step))
    }

    /// The code of a step (RFC 4226 §5.3).
    fn code(&self, step: Step) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose());
        let tag = hmac::sign(&key, &step.0.to_be_bytes());
        let tag = tag.as_ref();
        let offset = tag.last().map_or(0, |last| usize::from(last & 0xf));
        let word = tag.iter().skip(offset).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
    }
}

/// The digits of a typed code, if it is one of an app: six, with or without a gap.
pub(crate) fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    (digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

fn fits(code: &str, typed: &str) -> bool {
    verify_slices_are_equal(code.as_bytes(), typed.as_bytes()).is_ok()
}

/// Bytes of a seed (RFC 4226 §4, R6: 160 bits).
const SEED_BYTES: usize = 20;
/// Seconds of a step (RFC 6238 §5.2).
const STEP_SECONDS: u64 = 30;
/// Steps a code may be off, each side (RFC 6238 §5.2: one).
const WINDOW: u64 = 1;
/// Digits of a code (RFC 4226 §5.3: at least six; apps show six).
const DIGITS: usize = 6;
/// How the entry is called in an app.
const ISSUER: &str = "Drawbridge";
/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use super::*;

    /// The seed of RFC 6238, Appendix B.
    fn rfc() -> Seed {
        Seed::from_bytes(b"12345678901234567890").unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The last six of its eight digits, at its times.
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().code(Step(time / 30)), code, "{time}");
            assert_eq!(rfc().step_of(code, Timestamp(time)), Some(Step(time / 30)));
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_the_two_beside_it() {
        let step = 1_000_000;
        let code = rfc().code(Step(step));
        for (at, good) in
            [(step - 2, false), (step - 1, true), (step, true), (step + 1, true), (step + 2, false)]
        {
            for second in [0, 29] {
                let found = rfc().step_of(&code, Timestamp(at * 30 + second));
                assert_eq!(found, good.then_some(Step(step)), "{at} {second}");
            }
        }
        assert_eq!(rfc().step_of("000000", Timestamp(0)), None);
        assert_eq!(rfc().step_of(&rfc().code(Step(0)), Timestamp(0)), Some(Step(0)));
        assert_eq!(
            rfc().step_of(&rfc().code(Step(u64::MAX / 30)), Timestamp(u64::MAX)),
            Some(Step(u64::MAX / 30))
        );
    }

    #[test]
    fn seeds_are_written_as_apps_read_them() {
        assert_eq!(rfc().base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(
            rfc().uri("Anna Müller+1").expose(),
            "otpauth://totp/Drawbridge:Anna%20M%C3%BCller%2B1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Drawbridge"
        );
        assert!(!format!("{:?}", rfc()).contains("49"), "{:?}", rfc());
        assert!(Seed::from_bytes(b"short").is_none());
    }

    #[test]
    fn typed_codes_may_have_gaps_and_nothing_else() {
        for typed in ["123456", " 123 456 ", "123-456", "123\u{a0}456"] {
            assert_eq!(digits(typed).as_deref(), Some("123456"), "{typed:?}");
        }
        for typed in ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "+12345"] {
            assert_eq!(digits(typed), None, "{typed:?}");
        }
    }
}
