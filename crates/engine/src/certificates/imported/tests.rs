//! Imports as an owner would try them; what the files alone can get wrong is tested in `pem`, the links in
//! `chain`.

use std::time::Duration;

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, PublicKeyData, RsaKeySize,
};
use rustls::pki_types::CertificateDer;
use secrecy::ExposeSecret;

use super::*;
use crate::certificates::testing::{self, Signer, chain_pem, key_pem, now};

/// Imports a leaf of a fresh two-step authority, changed by `change`.
fn import(change: impl FnOnce(&mut CertificateParams)) -> Result<Imported, ImportError> {
    let middle = Signer::root("root").intermediate("middle");
    let (leaf, key) = middle.leaf_with(&["nas.example.org", "*.apps.example.org", "203.0.113.9"], change);
    check(chain_pem(&[&leaf, middle.der()]).as_bytes(), &key_pem(&key), now())
}

#[test]
fn a_good_certificate_is_taken_with_its_names_and_date() {
    let imported = import(|_| ()).unwrap();
    for host in ["nas.example.org", "NAS.example.org", "a.apps.example.org", "203.0.113.9"] {
        assert!(imported.covers(host), "{host}");
    }
    for host in ["apps.example.org", "a.b.apps.example.org", "example.org", "203.0.113.8"] {
        assert!(!imported.covers(host), "{host}");
    }
    assert_eq!(imported.names().hosts(), ["*.apps.example.org", "nas.example.org"]);
    assert_eq!(imported.leaf.not_after(), now() + Duration::from_secs(86_400));
    assert_eq!(imported.leaf.issuer_kind(), Issuer::Imported);
    assert_eq!(imported.into_leaf().chain().len(), 2);
}

#[test]
fn a_verifier_accepts_the_imported_chain() {
    let root = Signer::root("root");
    let middle = root.intermediate("middle");
    let (leaf, key) = middle.leaf(&["nas.example.org"]);
    let imported = check(chain_pem(&[&leaf, middle.der()]).as_bytes(), &key_pem(&key), now()).unwrap();
    testing::verify(root.der(), imported.leaf.chain(), "nas.example.org", now()).unwrap();
}

#[test]
fn one_combined_file_may_be_given_twice() {
    let (leaf, key) = Signer::root("root").leaf(&["nas.example.org"]);
    let combined = format!("{}{}", chain_pem(&[&leaf]), testing::pem("PRIVATE KEY", key.expose_secret()));
    assert!(check(combined.as_bytes(), &SecretSlice::from(combined.clone().into_bytes()), now()).is_ok());
}

#[test]
fn sec1_and_rsa_keys_are_taken() {
    let root = Signer::root("root");
    for size in [RsaKeySize::_2048, RsaKeySize::_3072] {
        let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).unwrap();
        let leaf = root.sign(&testing::leaf_params(&["nas.example.org"]), &key);
        // PKCS#8 wraps PKCS#1 behind 26 bytes of header for these sizes (RFC 5958).
        let pkcs1 =
            SecretSlice::from(testing::pem("RSA PRIVATE KEY", &key.serialized_der()[26..]).into_bytes());
        let pkcs8 = key_pem(&SecretSlice::from(key.serialize_der()));
        assert!(check(chain_pem(&[&leaf]).as_bytes(), &pkcs8, now()).is_ok());
        assert!(check(chain_pem(&[&leaf]).as_bytes(), &pkcs1, now()).is_ok());
    }
    let key = KeyPair::generate().unwrap();
    let leaf = root.sign(&testing::leaf_params(&["nas.example.org"]), &key);
    // PKCS#8 of a P-256 key is 26 bytes of header in front of an ECPrivateKey without parameters (RFC 5915).
    let sec1 = SecretSlice::from(testing::pem("EC PRIVATE KEY", &sec1(&key)).into_bytes());
    assert!(check(chain_pem(&[&leaf]).as_bytes(), &sec1, now()).is_ok());
}

/// An ECPrivateKey with its curve named, as `openssl ecparam -genkey` writes it.
fn sec1(key: &KeyPair) -> Vec<u8> {
    let private = &key.serialized_der()[36..68];
    let mut der = vec![0x30, 0x31, 2, 1, 1, 4, 32];
    der.extend_from_slice(private);
    der.extend_from_slice(&[0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    der
}

#[test]
fn a_foreign_key_is_refused() {
    let root = Signer::root("root");
    let (leaf, _) = root.leaf(&["nas.example.org"]);
    let (_, foreign) = root.leaf(&["nas.example.org"]);
    assert!(matches!(
        check(chain_pem(&[&leaf]).as_bytes(), &key_pem(&foreign), now()),
        Err(ImportError::KeyMismatch)
    ));
    let rsa = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let rsa = key_pem(&SecretSlice::from(rsa.serialize_der()));
    assert!(matches!(check(chain_pem(&[&leaf]).as_bytes(), &rsa, now()), Err(ImportError::KeyMismatch)));
}

#[test]
fn a_key_that_is_none_is_refused() {
    let (leaf, key) = Signer::root("root").leaf(&["nas.example.org"]);
    let mut damaged = key.expose_secret().to_vec();
    damaged.truncate(60);
    for bytes in [damaged, b"no key".to_vec()] {
        let outcome = check(chain_pem(&[&leaf]).as_bytes(), &key_pem(&SecretSlice::from(bytes)), now());
        assert!(matches!(outcome, Err(ImportError::KeyUnusable(_))), "{outcome:?}");
    }
}

#[test]
fn dates_are_judged_to_the_second() {
    let second = Duration::from_secs(1);
    assert!(import(|params| params.not_after = now().into()).is_ok());
    let expired = import(|params| params.not_after = (now() - second).into());
    assert!(matches!(expired, Err(ImportError::Expired { on }) if on == now() - second));
    assert!(import(|params| params.not_before = now().into()).is_ok());
    let early = import(|params| params.not_before = (now() + second).into());
    assert!(matches!(early, Err(ImportError::NotYetValid { until }) if until == now() + second));
}

#[test]
fn a_certificate_without_usable_names_is_refused() {
    let nothing = import(|params| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(rcgen::DnType::CommonName, "nas.example.org");
    });
    assert!(matches!(nothing, Err(ImportError::NoNames)));
    let mail = import(|params| {
        params.subject_alt_names = vec![rcgen::SanType::Rfc822Name("a@example.org".try_into().unwrap())];
    });
    assert!(matches!(mail, Err(ImportError::NoNames)));
    let address_as_name = import(|params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("192.168.1.5".try_into().unwrap())];
    });
    assert!(matches!(address_as_name, Err(ImportError::NoNames)));
}

#[test]
fn a_certificate_for_other_uses_is_refused() {
    for purpose in [ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::Any] {
        let outcome = import(|params| params.extended_key_usages = vec![purpose]);
        assert!(matches!(outcome, Err(ImportError::NotForServers)));
    }
    let encipher = import(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    assert!(matches!(encipher, Err(ImportError::NotForServers)));
    let unrestricted = import(|params| {
        params.extended_key_usages.clear();
        params.key_usages.clear();
    });
    assert!(unrestricted.is_ok());
}

#[test]
fn an_authority_or_a_broken_chain_is_refused() {
    let root = Signer::root("root");
    let (leaf, key) = root.leaf(&["nas.example.org"]);
    let outcome = |chain: &[&CertificateDer<'_>]| check(chain_pem(chain).as_bytes(), &key_pem(&key), now());
    assert!(matches!(outcome(&[root.der()]), Err(ImportError::AuthorityAsLeaf)));
    assert!(matches!(outcome(&[root.der(), &leaf]), Err(ImportError::OutOfOrder { position: 2, .. })));
    assert!(matches!(
        outcome(&[&leaf, Signer::root("root").der()]),
        Err(ImportError::NotIssuedByNext { position: 1, .. })
    ));
    let old =
        root.intermediate_with("old", |params| params.not_after = (now() - Duration::from_secs(1)).into());
    let (leaf, key) = old.leaf(&["nas.example.org"]);
    let outcome = check(chain_pem(&[&leaf, old.der()]).as_bytes(), &key_pem(&key), now());
    assert!(matches!(outcome, Err(ImportError::ChainNotValidNow { position: 2, .. })));
}

#[test]
fn damage_inside_the_pem_is_placed() {
    let root = Signer::root("root");
    let (leaf, key) = root.leaf(&["nas.example.org"]);
    let garbage = CertificateDer::from(b"\x30\x03\x02\x01\x01".to_vec());
    let outcome = check(chain_pem(&[&leaf, &garbage]).as_bytes(), &key_pem(&key), now());
    assert!(matches!(outcome, Err(ImportError::DamagedCertificate { position: 2, .. })), "{outcome:?}");
}

#[test]
fn no_altered_byte_of_a_certificate_goes_unnoticed() {
    let middle = Signer::root("root").intermediate("middle");
    let (leaf, key) = middle.leaf(&["nas.example.org", "203.0.113.9"]);
    let key = key_pem(&key);
    for place in 0..leaf.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut altered = leaf.to_vec();
            altered[place] ^= bit;
            let altered = CertificateDer::from(altered);
            let outcome = check(chain_pem(&[&altered, middle.der()]).as_bytes(), &key, now());
            assert!(outcome.is_err(), "byte {place}, bit {bit:#x}");
        }
    }
}

/// A public key of a given length, of which nobody has the private half.
struct RsaPublic(Vec<u8>);

impl RsaPublic {
    fn of_bits(bits: usize) -> Self {
        let mut modulus = vec![0xc1; bits / 8];
        modulus.insert(0, 0);
        let length = |bytes: usize| u16::try_from(bytes).unwrap().to_be_bytes();
        let mut inner = vec![2, 0x82];
        inner.extend(length(modulus.len()));
        inner.extend(modulus);
        inner.extend([2, 3, 1, 0, 1]);
        let mut der = vec![0x30, 0x82];
        der.extend(length(inner.len()));
        der.extend(inner);
        Self(der)
    }
}

impl PublicKeyData for RsaPublic {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

#[test]
fn short_rsa_keys_are_refused_and_2048_bits_are_enough() {
    let root = Signer::root("root");
    let (_, some_key) = root.leaf(&["nas.example.org"]);
    let outcome = |bits: usize| {
        let leaf = root.sign(&testing::leaf_params(&["nas.example.org"]), &RsaPublic::of_bits(bits));
        check(chain_pem(&[&leaf]).as_bytes(), &key_pem(&some_key), now()).map(|_| ()).unwrap_err()
    };
    assert!(matches!(outcome(1024), ImportError::WeakKey { bits: 1024 }));
    assert!(matches!(outcome(2040), ImportError::WeakKey { bits: 2040 }));
    // Long enough, and so the next check speaks: the key is somebody else's.
    assert!(matches!(outcome(2048), ImportError::KeyMismatch));
}
