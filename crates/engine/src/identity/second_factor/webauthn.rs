//! What a passkey says (WebAuthn Level 3, §6.1, §7.1, §7.2), read and verified. Pure: no table, no clock.
//!
//! Attestation is not asked for, so nothing of it is read: a new key is whatever the browser of somebody who proved the
//! account sends. Of COSE only the three keys are known that browsers make, in the one form CTAP2 allows for each.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

/// A key's answer at sign-in, as the page of ours sends it.
#[derive(Clone, Debug)]
pub(crate) struct Assertion {
    /// Which key.
    pub(crate) credential: Vec<u8>,
    client: Vec<u8>,
    data: Vec<u8>,
    signature: Vec<u8>,
}

/// A key that was just made, as the page of ours sends it.
#[derive(Clone, Debug)]
pub(crate) struct Attestation {
    client: Vec<u8>,
    data: Vec<u8>,
}

/// What a new key is.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) credential: Vec<u8>,
    /// In COSE's form.
    pub(crate) key: Vec<u8>,
    pub(crate) counter: u32,
    /// Whether it made sure who holds it, by a finger, a face or a PIN.
    pub(crate) verified: bool,
}

/// Where an answer has to come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// `https://HOST:PORT`, of the gate.
    pub(crate) origin: &'a str,
    /// The gate's host name: what keys are bound to.
    pub(crate) rp: &'a str,
}

/// What the browser says about an answer (§5.8.1). A member that stands there twice makes it unreadable.
#[derive(Deserialize)]
struct Client<'a> {
    r#type: &'a str,
    challenge: &'a str,
    origin: &'a str,
    #[serde(default, rename = "crossOrigin")]
    cross_origin: bool,
}

/// What the key itself says (§6.1).
struct Data<'a> {
    flags: u8,
    counter: u32,
    rest: &'a [u8],
}

/// A public key in COSE's form (RFC 9053), as CTAP2 §8 has it written.
#[derive(Debug)]
enum PublicKey<'a> {
    /// ECDSA on P-256: the uncompressed point.
    Es256([u8; 65]),
    EdDsa(&'a [u8]),
    /// RSA with 65537: the modulus.
    Rs256(&'a [u8]),
}

impl Assertion {
    /// From the fields of a form, each in URL-safe base 64.
    pub(crate) fn read(credential: &str, client: &str, data: &str, signature: &str) -> Option<Self> {
        let [credential, client, data, signature] = [credential, client, data, signature].map(bytes);
        let (credential, client) = (credential?, client?);
        Some(Self { credential, client, data: data?, signature: signature? })
    }

    /// The challenge it answers, if it was made on this site's own page. Nothing else of it is verified.
    pub(crate) fn challenge(&self, site: Site<'_>) -> Option<&str> {
        challenge(&self.client, "webauthn.get", site)
    }

    /// The counter, if this key signed it. Whether its challenge is good is another question.
    pub(crate) fn verify(&self, site: Site<'_>, key: &[u8], by: Holder) -> Option<u32> {
        self.challenge(site)?;
        let data = Data::read(&self.data, site)?;
        if by == Holder::Verified && data.flags & VERIFIED == 0 {
            return None;
        }
        let (key, _) = PublicKey::read(key)?;
        let signed = [&self.data, digest(&SHA256, &self.client).as_ref()].concat();
        key.verify(&signed, &self.signature).then_some(data.counter)
    }
}

/// Whether a key has to make sure who holds it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Holder {
    /// By a finger, a face or a PIN: it is all that is asked for.
    Verified,
    /// A touch is enough: the password was right.
    Present,
}

impl Attestation {
    /// From the fields of a form.
    pub(crate) fn read(client: &str, data: &str) -> Option<Self> {
        Some(Self { client: bytes(client)?, data: bytes(data)? })
    }

    /// The challenge it answers, if it was made on this site's own page.
    pub(crate) fn challenge(&self, site: Site<'_>) -> Option<&str> {
        challenge(&self.client, "webauthn.create", site)
    }

    /// The new key, if it is one for this site that can be verified later.
    pub(crate) fn key(&self, site: Site<'_>) -> Option<Made> {
        let data = Data::read(&self.data, site)?;
        if data.flags & ATTESTED == 0 {
            return None;
        }
        // Behind the model's id (§6.5.1).
        let (length, rest) = data.rest.get(16..)?.split_first_chunk::<2>()?;
        let (credential, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (key, after) = PublicKey::read(rest)?;
        let fits = data.flags & EXTENDED != 0 || after.is_empty();
        if !fits || credential.is_empty() || credential.len() > MAX_CREDENTIAL || !key.is_usable() {
            return None;
        }
        let key = rest.get(..rest.len().checked_sub(after.len())?)?.to_vec();
        let verified = data.flags & VERIFIED != 0;
        Some(Made { credential: credential.to_vec(), key, counter: data.counter, verified })
    }
}

fn challenge<'a>(client: &'a [u8], kind: &str, site: Site<'_>) -> Option<&'a str> {
    let said: Client<'_> = serde_json::from_slice(client).ok()?;
    (said.r#type == kind && said.origin == site.origin && !said.cross_origin).then_some(said.challenge)
}

impl<'a> Data<'a> {
    /// For this site, by somebody who was there.
    fn read(bytes: &'a [u8], site: Site<'_>) -> Option<Self> {
        let (hash, rest) = bytes.split_first_chunk::<32>()?;
        let (flags, rest) = rest.split_first()?;
        let (counter, rest) = rest.split_first_chunk::<4>()?;
        let is_copied = flags & COPIED != 0 && flags & COPYABLE == 0;
        if digest(&SHA256, site.rp.as_bytes()).as_ref() != hash || flags & PRESENT == 0 || is_copied {
            return None;
        }
        Some(Self { flags: *flags, counter: u32::from_be_bytes(*counter), rest })
    }
}

impl<'a> PublicKey<'a> {
    /// The key, and what follows it.
    fn read(cose: &'a [u8]) -> Option<(Self, &'a [u8])> {
        if let Some(rest) = cose.strip_prefix(ES256) {
            let (x, rest) = rest.split_at_checked(32)?;
            let (y, rest) = rest.strip_prefix(ES256_Y)?.split_at_checked(32)?;
            let mut point = [4; 65];
            point.get_mut(1..33)?.copy_from_slice(x);
            point.get_mut(33..)?.copy_from_slice(y);
            return Some((Self::Es256(point), rest));
        }
        if let Some(rest) = cose.strip_prefix(ED_DSA) {
            let (key, rest) = rest.split_at_checked(32)?;
            return Some((Self::EdDsa(key), rest));
        }
        let (length, rest) = cose.strip_prefix(RS256)?.split_first_chunk::<2>()?;
        let (modulus, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some((Self::Rs256(modulus), rest.strip_prefix(RS256_E)?))
    }

    fn is_usable(&self) -> bool {
        match self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok(),
            Self::EdDsa(key) => ParsedPublicKey::new(&ED25519, key).is_ok(),
            Self::Rs256(modulus) => (256..=1024).contains(&modulus.len()) && modulus.first() != Some(&0),
        }
    }

    fn verify(&self, signed: &[u8], signature: &[u8]) -> bool {
        let parsed = |algorithm, key: &[u8]| ParsedPublicKey::new(algorithm, key).ok();
        match self {
            Self::Es256(point) => parsed(&ECDSA_P256_SHA256_ASN1, point)
                .is_some_and(|key| key.verify_sig(signed, signature).is_ok()),
            Self::EdDsa(key) => {
                parsed(&ED25519, key).is_some_and(|key| key.verify_sig(signed, signature).is_ok())
            }
            Self::Rs256(n) => RsaPublicKeyComponents { n: *n, e: &RSA_EXPONENT }
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
        }
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Flags (§6.1): somebody was there, and was verified; the key may be, and is, on several devices; a new key and extensions
/// follow.
const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const COPYABLE: u8 = 1 << 3;
const COPIED: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// {1: 2, 3: -7, -1: 1, -2: 32 bytes, -3: 32 bytes}
const ES256: &[u8] = &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
const ES256_Y: &[u8] = &[0x22, 0x58, 0x20];
/// {1: 1, 3: -8, -1: 6, -2: 32 bytes}
const ED_DSA: &[u8] = &[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];
/// {1: 3, 3: -257, -1: up to 65,535 bytes, -2: 65537}
const RS256: &[u8] = &[0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20, 0x59];
const RS256_E: &[u8] = &[0x21, 0x43, 0x01, 0x00, 0x01];
/// 65537.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
/// Bytes of a credential's id (§7.1, step 25).
const MAX_CREDENTIAL: usize = 1023;

#[cfg(test)]
pub(super) mod authenticator;

#[cfg(test)]
mod tests;
