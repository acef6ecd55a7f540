//! The local authority, seen by its users and by a real verifier.

use std::time::Duration;

use rustls::CertificateError;
use rustls::pki_types::pem::PemObject;

use super::*;
use crate::certificates::testing::{self, now};

const DAY: Duration = Duration::from_secs(86_400);

fn authority() -> Authority {
    Authority::create(now()).unwrap().0
}

fn names(list: &[&str]) -> Names {
    Names::new([], list)
}

#[test]
fn a_verifier_that_trusts_the_authority_accepts_every_name_of_a_leaf() {
    let authority = authority();
    let all = [
        "nas.home.arpa",
        "nas.local",
        "nas.lan",
        "nas.internal",
        "localhost",
        "192.168.1.5",
        "10.1.2.3",
        "fd00::5",
        "::1",
    ];
    let leaf = authority.issue(&names(&all), now()).unwrap();
    for name in all {
        testing::verify(authority.certificate_der(), leaf.chain(), name, now()).unwrap();
    }
    let wrong = testing::verify(authority.certificate_der(), leaf.chain(), "other.lan", now());
    assert!(matches!(
        wrong,
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
    ));
}

#[test]
fn a_leaf_made_by_hand_outside_the_constraints_is_refused_by_the_verifier() {
    let authority = authority();
    let sign = |name: &str| {
        let params = testing::leaf_params(&[name]);
        let key = rcgen::KeyPair::generate().unwrap();
        vec![CertificateDer::from(params.signed_by(&key, &authority.issuer).unwrap())]
    };
    for name in ["nas.home.arpa", "192.168.1.5", "fd00::5"] {
        testing::verify(authority.certificate_der(), &sign(name), name, now()).unwrap();
    }
    for name in ["evil.com", "8.8.8.8", "2001:db8::1", "172.32.0.1"] {
        let outcome = testing::verify(authority.certificate_der(), &sign(name), name, now());
        let error = format!("{:?}", outcome.expect_err(name));
        assert!(error.contains("NameConstraintViolation"), "{name}: {error}");
    }
}

/// webpki does not read the path length of a trust anchor, so the constraints must hold without it.
#[test]
fn an_authority_signed_by_ours_does_not_escape_the_constraints() {
    let authority = authority();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = testing::leaf_params(&[]);
    params.distinguished_name.push(rcgen::DnType::CommonName, "sub");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let middle = params.signed_by(&key, &authority.issuer).unwrap();
    let middle_issuer = rcgen::Issuer::new(params, key);
    let leaf_key = rcgen::KeyPair::generate().unwrap();
    let leaf = testing::leaf_params(&["evil.com"]).signed_by(&leaf_key, &middle_issuer).unwrap();
    let chain = [leaf.into(), middle.into()];
    let outcome = testing::verify(authority.certificate_der(), &chain, "evil.com", now());
    assert!(format!("{:?}", outcome.unwrap_err()).contains("NameConstraintViolation"));
}

#[test]
fn names_outside_the_constraints_are_refused_before_signing_and_named() {
    let authority = authority();
    for outside in ["evil.com", "8.8.8.8", "2001:db8::1", "*.home.arpa"] {
        let error = authority.issue(&names(&["nas.lan", "10.0.0.1", outside]), now()).unwrap_err();
        assert!(matches!(&error, AuthorityError::OutsideConstraints { name } if name == outside), "{error}");
        assert!(crate::testing::said(&error.sentence()).contains(outside));
    }
    assert!(authority.permits_host("nas.lan") && !authority.permits_host("evil.com"));
    assert!(
        authority.permits_address("10.0.0.1".parse().unwrap())
            && !authority.permits_address("8.8.8.8".parse().unwrap())
    );
    assert!(matches!(
        authority.issue(&Names::default(), now()),
        Err(AuthorityError::Make(MakeError::NoNames))
    ));
}

#[test]
fn a_leaf_says_nothing_but_its_names_and_lives_ninety_days() {
    let authority = authority();
    let leaf = authority.issue(&names(&["nas.lan"]), now()).unwrap();
    assert_eq!(leaf.issuer_kind(), Issuer::LocalAuthority);
    assert_eq!((leaf.not_before(), leaf.not_after()), (now() - Duration::from_secs(3_600), now() + 90 * DAY));
    let [der] = leaf.chain() else { panic!("one certificate") };
    let parsed = x509::parse(der).unwrap();
    assert_eq!(parsed.subject().iter_attributes().count(), 0);
    assert!(parsed.subject_alternative_name().unwrap().unwrap().critical);
    assert!(!parsed.is_ca());
    let usage = parsed.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth && !usage.any);
    let root = x509::parse(authority.certificate_der()).unwrap();
    let second = authority.issue(&names(&["nas.lan"]), now()).unwrap();
    assert_ne!(parsed.raw_serial(), x509::parse(second.chain().first().unwrap()).unwrap().raw_serial());
    assert_eq!(key_id(&parsed, false), key_id(&root, true));
}

/// The authority key identifier of a leaf, or the subject key identifier of an authority.
fn key_id(certificate: &X509Certificate<'_>, own: bool) -> Vec<u8> {
    use x509_parser::extensions::ParsedExtension::{AuthorityKeyIdentifier, SubjectKeyIdentifier};
    let found = certificate.iter_extensions().find_map(|extension| {
        if let (true, SubjectKeyIdentifier(id)) = (own, extension.parsed_extension()) {
            return Some(id.0.to_vec());
        }
        if let (false, AuthorityKeyIdentifier(id)) = (own, extension.parsed_extension()) {
            return id.key_identifier.as_ref().map(|id| id.0.to_vec());
        }
        None
    });
    found.expect("a key identifier")
}

#[test]
fn a_leaf_never_outlives_its_authority_and_an_expired_one_signs_nothing() {
    let authority = authority();
    let end = authority.not_after();
    assert_eq!(end, now() + 3_650 * DAY);
    assert_eq!(authority.issue(&names(&["nas.lan"]), end - DAY).unwrap().not_after(), end);
    assert!(authority.issue(&names(&["nas.lan"]), end).is_ok());
    let late = end + Duration::from_secs(1);
    assert!(matches!(authority.issue(&names(&["nas.lan"]), late), Err(AuthorityError::Expired)));
    let early = now() - Duration::from_secs(3_601);
    assert!(matches!(authority.issue(&names(&["nas.lan"]), early), Err(AuthorityError::NotYetValid)));
}

#[test]
fn a_loaded_authority_is_the_same_authority() {
    let (created, key) = Authority::create(now()).unwrap();
    let loaded = Authority::load(created.certificate_der().clone(), &key, now() + DAY).unwrap();
    assert_eq!(loaded.fingerprint(), created.fingerprint());
    assert_eq!(loaded.not_after(), created.not_after());
    let leaf = loaded.issue(&names(&["nas.lan"]), now() + DAY).unwrap();
    testing::verify(created.certificate_der(), leaf.chain(), "nas.lan", now() + DAY).unwrap();
}

#[test]
fn loading_tells_damage_mismatch_and_age_apart() {
    let (authority, key) = Authority::create(now()).unwrap();
    let (other, other_key) = Authority::create(now()).unwrap();
    assert_ne!(authority.fingerprint(), other.fingerprint());
    let der = authority.certificate_der();
    let load = |der: &CertificateDer<'static>, key: &SecretSlice<u8>, at| {
        Authority::load(der.clone(), key, at).map(|_| ()).unwrap_err()
    };
    assert!(matches!(load(der, &other_key, now()), AuthorityError::KeyMismatch));
    assert!(matches!(load(der, &SecretSlice::from(vec![1, 2]), now()), AuthorityError::KeyUnreadable(_)));
    let cut = CertificateDer::from(der[..der.len() - 9].to_vec());
    assert!(matches!(load(&cut, &key, now()), AuthorityError::CertificateUnreadable(_)));
    let over = authority.not_after() + Duration::from_secs(1);
    assert!(matches!(load(der, &key, over), AuthorityError::Expired));
    assert!(matches!(load(der, &key, now() - DAY), AuthorityError::NotYetValid));
    let mut altered = der.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let broken = load(&CertificateDer::from(altered), &key, now());
    assert!(matches!(broken, AuthorityError::NotOurs(Deviation::Signature)), "{broken:?}");
}

#[test]
fn no_altered_byte_of_a_kept_authority_goes_unnoticed() {
    let (authority, key) = Authority::create(now()).unwrap();
    let der = authority.certificate_der();
    for place in 0..der.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut altered = der.to_vec();
            altered[place] ^= bit;
            assert!(Authority::load(altered.into(), &key, now()).is_err(), "byte {place}, bit {bit:#x}");
        }
    }
}

/// Makes an authority of our form, changed by `change`, and says what loading it objects to.
fn deviate(change: impl Fn(&mut CertificateParams)) -> Option<Deviation> {
    let (key, pkcs8) = P256Key::generate().unwrap();
    let window = Window::starting(now(), AUTHORITY_LIFE).unwrap();
    let mut params = params(window, &format!("{COMMON_NAME} 00000000")).unwrap();
    change(&mut params);
    let der = params.self_signed(&key).unwrap().into();
    match Authority::load(der, &pkcs8, now()) {
        Ok(_) => None,
        Err(AuthorityError::NotOurs(deviation)) => Some(deviation),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn constraints_that_verifiers_may_skip_are_not_taken_for_ours() {
    let ours = authority();
    let parsed = x509::parse(ours.certificate_der()).unwrap();
    let found = parsed.extensions().iter().find(|extension| extension.oid.to_string() == "2.5.29.30");
    let content = found.unwrap().value.to_vec();
    for (critical, expected) in [(true, None), (false, Some(Deviation::Constraints))] {
        let rewritten = deviate(|params| {
            let mut extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 30], content.clone());
            extension.set_criticality(critical);
            params.name_constraints = None;
            params.custom_extensions = vec![extension];
        });
        assert_eq!(rewritten, expected, "critical: {critical}");
    }
}

#[test]
fn an_authority_without_our_limits_is_not_taken_up() {
    assert_eq!(deviate(|_| ()), None);
    assert_eq!(deviate(|params| params.is_ca = IsCa::ExplicitNoCa), Some(Deviation::Role));
    assert_eq!(
        deviate(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
        Some(Deviation::Role)
    );
    assert_eq!(
        deviate(|params| params.key_usages.push(KeyUsagePurpose::DigitalSignature)),
        Some(Deviation::Usage)
    );
    assert_eq!(deviate(|params| params.extended_key_usages.clear()), Some(Deviation::Usage));
    assert_eq!(
        deviate(|params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::CodeSigning)),
        Some(Deviation::Usage)
    );
    assert_eq!(deviate(|params| params.name_constraints = None), Some(Deviation::Constraints));
    let widen = |params: &mut CertificateParams| {
        let com = rcgen::GeneralSubtree::DnsName("com".to_owned());
        params.name_constraints.as_mut().unwrap().permitted_subtrees.push(com);
    };
    assert_eq!(deviate(widen), Some(Deviation::Constraints));
    let drop_v6 = |params: &mut CertificateParams| {
        params.name_constraints.as_mut().unwrap().permitted_subtrees.truncate(11);
    };
    assert_eq!(deviate(drop_v6), Some(Deviation::Constraints));
    let rename =
        |params: &mut CertificateParams| params.distinguished_name.push(rcgen::DnType::CommonName, "Bank");
    assert_eq!(deviate(rename), Some(Deviation::Subject));
    let add = |params: &mut CertificateParams| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Bank")
    };
    assert_eq!(deviate(add), Some(Deviation::Subject));
}

#[test]
fn the_pem_file_holds_the_certificate_and_nothing_prints_the_key() {
    let (authority, key) = Authority::create(now()).unwrap();
    let pem = authority.certificate_pem();
    assert_eq!(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), authority.certificate_der());
    assert!(pem.lines().all(|line| line.len() <= 64));
    assert!(pem.ends_with("-----END CERTIFICATE-----\n"));
    let private = key.expose_secret()[36..68].to_vec();
    let shown = format!("{authority:?}");
    assert!(shown.contains("elided") && !shown.contains(&format!("{private:?}")), "{shown}");
}
