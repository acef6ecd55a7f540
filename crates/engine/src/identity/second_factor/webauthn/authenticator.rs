//! A passkey made of software, for tests: it signs as a browser and a key would, or as asked.

use super::{Assertion, Attestation, Site};
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};

/// The key and how it signs.
pub(crate) enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// A key with what it says about itself; tests change one thing at a time.
pub(crate) struct Authenticator {
    pub(crate) key: Key,
    pub(crate) credential: Vec<u8>,
    pub(crate) flags: u8,
    pub(crate) counter: u32,
    pub(crate) rp: String,
    pub(crate) origin: String,
    pub(crate) cross_origin: bool,
    /// Flipped in each signature.
    pub(crate) tamper: u8,
}

pub(crate) const HERE: Site<'_> = Site { origin: "https://home.test:8443", rp: "home.test" };
/// Present and verified.
pub(crate) const BOTH: u8 = 0x05;

impl Authenticator {
    /// On P-256, for [`HERE`].
    pub(crate) fn new(credential: &[u8]) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self::with(Key::Es256(key), credential)
    }

    pub(crate) fn with(key: Key, credential: &[u8]) -> Self {
        let (rp, origin) = (HERE.rp.to_owned(), HERE.origin.to_owned());
        let (credential, cross_origin) = (credential.to_vec(), false);
        Self { key, credential, flags: BOTH, counter: 0, rp, origin, cross_origin, tamper: 0 }
    }

    pub(crate) fn every_kind() -> [Self; 3] {
        [
            Self::new(b"es256"),
            Self::with(Key::EdDsa(Ed25519KeyPair::generate().unwrap()), b"eddsa"),
            Self::with(Key::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())), b"rs256"),
        ]
    }

    /// As CTAP2 writes it.
    pub(crate) fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20];
                [&head[..], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]].concat()
            }
            Key::EdDsa(pair) => {
                let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20];
                [&head[..], pair.public_key().as_ref()].concat()
            }
            Key::Rs256(pair) => {
                let modulus = pair.public_key().modulus().big_endian_without_leading_zero();
                let length = u16::try_from(modulus.len()).unwrap().to_be_bytes();
                let head = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59];
                [&head[..], &length, modulus, &[0x21, 0x43, 1, 0, 1]].concat()
            }
        }
    }

    fn client(&self, kind: &str, challenge: &str) -> Vec<u8> {
        let Self { origin, cross_origin, .. } = self;
        let text = format!(
            r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":{cross_origin},"more":1}}"#
        );
        text.into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let hash = digest(&SHA256, self.rp.as_bytes());
        [hash.as_ref(), &[flags], &self.counter.to_be_bytes()].concat()
    }

    /// What is sent when it is made; `more` follows the key.
    pub(crate) fn made(&self, challenge: &str, more: &[u8]) -> Attestation {
        let length = u16::try_from(self.credential.len()).unwrap().to_be_bytes();
        let (model, key) = ([0; 16], self.cose());
        let data =
            [&self.data(self.flags | 0x40)[..], &model, &length, &self.credential, &key, more].concat();
        Attestation { client: self.client("webauthn.create", challenge), data }
    }

    /// What it answers to a challenge.
    pub(crate) fn answer(&self, challenge: &str) -> Assertion {
        let (client, data) = (self.client("webauthn.get", challenge), self.data(self.flags));
        let signed = [&data[..], digest(&SHA256, &client).as_ref()].concat();
        let random = SystemRandom::new();
        let mut signature = match &self.key {
            Key::Es256(pair) => pair.sign(&random, &signed).unwrap().as_ref().to_vec(),
            Key::EdDsa(pair) => pair.sign(&signed).as_ref().to_vec(),
            Key::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, &signed, &mut signature).unwrap();
                signature
            }
        };
        *signature.last_mut().unwrap() ^= self.tamper;
        Assertion { credential: self.credential.clone(), client, data, signature }
    }
}
