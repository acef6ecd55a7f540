//! Whether the certificates of an imported file form a chain: server first, each issued by the next.
//!
//! Browsers are forgiving about order, programs and phones are not; so the owner hears of it at import and
//! not from a visitor. Nothing is re-ordered or fetched. Whether the top is trusted is for the visitor's
//! device to say.

use std::time::SystemTime;

use x509_parser::certificate::X509Certificate;

use super::import_error::ImportError;
use super::x509;

/// Checks the order and the links of a chain, and that the issuing certificates are valid at `now`. The first
/// certificate's own dates are not looked at here.
///
/// # Errors
///
/// [`ImportError::AuthorityAsLeaf`], [`ImportError::OutOfOrder`], [`ImportError::NotIssuedByNext`],
/// [`ImportError::ChainNotValidNow`], each for the first certificate that is wrong.
pub(super) fn check(chain: &[X509Certificate<'_>], now: SystemTime) -> Result<(), ImportError> {
    if chain.first().is_some_and(|first| first.is_ca()) {
        let server = chain.iter().enumerate().find(|(_, certificate)| !certificate.is_ca());
        return Err(server
            .map_or(ImportError::AuthorityAsLeaf, |(place, certificate)| out_of_order(place, certificate)));
    }
    for (place, (certificate, next)) in chain.iter().zip(chain.iter().skip(1)).enumerate() {
        if !(next.is_ca() && x509::is_signed_by(certificate, next)) {
            return Err(broken_link(chain, place, certificate));
        }
    }
    for (place, certificate) in chain.iter().enumerate().skip(1) {
        let (not_before, not_after) = x509::validity(certificate);
        if now < not_before || now > not_after {
            return Err(ImportError::ChainNotValidNow {
                position: place + 1,
                subject: x509::subject(certificate),
            });
        }
    }
    Ok(())
}

/// The issuer may be elsewhere in the file, or missing.
fn broken_link(
    chain: &[X509Certificate<'_>],
    place: usize,
    certificate: &X509Certificate<'_>,
) -> ImportError {
    let issuer = chain.iter().enumerate().find(|(other, candidate)| {
        *other != place && candidate.is_ca() && x509::is_signed_by(certificate, candidate)
    });
    match issuer {
        Some((other, candidate)) => out_of_order(other, candidate),
        None => ImportError::NotIssuedByNext { position: place + 1, subject: x509::subject(certificate) },
    }
}

fn out_of_order(place: usize, certificate: &X509Certificate<'_>) -> ImportError {
    ImportError::OutOfOrder { position: place + 1, subject: x509::subject(certificate) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::certificates::testing::{Signer, now};
    use rustls::pki_types::CertificateDer;

    fn check_der(chain: &[&CertificateDer<'_>]) -> Result<(), ImportError> {
        let parsed: Vec<_> = chain.iter().map(|der| x509::parse(der).unwrap()).collect();
        check(&parsed, now())
    }

    struct Family {
        root: Signer,
        upper: Signer,
        lower: Signer,
        leaf: CertificateDer<'static>,
    }

    fn family() -> Family {
        let root = Signer::root("root");
        let upper = root.intermediate("upper");
        let lower = upper.intermediate("lower");
        let leaf = lower.leaf_with(&["nas.example.org"], |params| {
            params.distinguished_name.push(rcgen::DnType::CommonName, "server");
        });
        Family { root, upper, lower, leaf: leaf.0 }
    }

    #[test]
    fn a_chain_may_end_anywhere_on_the_way_up() {
        let Family { root, upper, lower, leaf } = family();
        let whole = [&leaf, lower.der(), upper.der(), root.der()];
        for length in 1..=whole.len() {
            check_der(&whole[..length]).unwrap();
        }
    }

    #[test]
    fn a_certificate_in_the_wrong_place_is_named() {
        let Family { root, upper, lower, leaf } = family();
        let wrong = |chain: &[&CertificateDer<'_>], expected: usize, name: &str| match check_der(chain) {
            Err(ImportError::OutOfOrder { position, subject }) => {
                assert_eq!((position, subject.as_str()), (expected, name))
            }
            other => panic!("{other:?}"),
        };
        wrong(&[lower.der(), &leaf], 2, "CN=server");
        wrong(&[&leaf, upper.der(), lower.der()], 3, "CN=lower");
        wrong(&[&leaf, lower.der(), root.der(), upper.der()], 4, "CN=upper");
    }

    #[test]
    fn a_missing_or_false_issuer_is_named() {
        let Family { upper, leaf, .. } = family();
        let wrong = |chain: &[&CertificateDer<'_>]| match check_der(chain) {
            Err(ImportError::NotIssuedByNext { position, subject }) => {
                assert_eq!((position, subject.as_str()), (1, "CN=server"))
            }
            other => panic!("{other:?}"),
        };
        wrong(&[&leaf, upper.der()]);
        wrong(&[&leaf, &leaf]);
        // The right name, but another key: only the signature tells.
        wrong(&[&leaf, upper.intermediate("lower").der()]);
    }

    #[test]
    fn an_issuer_that_may_not_issue_makes_no_chain() {
        let root = Signer::root("root");
        let plain = root.intermediate_with("plain", |params| params.is_ca = rcgen::IsCa::ExplicitNoCa);
        let leaf = plain.leaf(&["nas.example.org"]).0;
        assert!(matches!(
            check_der(&[&leaf, plain.der()]),
            Err(ImportError::NotIssuedByNext { position: 1, .. })
        ));
    }

    #[test]
    fn an_authority_alone_is_no_server_certificate() {
        let Family { root, upper, .. } = family();
        assert!(matches!(check_der(&[root.der()]), Err(ImportError::AuthorityAsLeaf)));
        assert!(matches!(check_der(&[upper.der(), root.der()]), Err(ImportError::AuthorityAsLeaf)));
    }

    #[test]
    fn an_issuer_outside_its_time_is_named() {
        let root = Signer::root("root");
        let early = root
            .intermediate_with("early", |params| params.not_before = (now() + Duration::from_secs(1)).into());
        let late = root
            .intermediate_with("late", |params| params.not_after = (now() - Duration::from_secs(1)).into());
        for signer in [early, late] {
            let leaf = signer.leaf(&["nas.example.org"]).0;
            assert!(matches!(
                check_der(&[&leaf, signer.der()]),
                Err(ImportError::ChainNotValidNow { position: 2, .. })
            ));
        }
        let edge = root.intermediate_with("edge", |params| params.not_after = now().into());
        check_der(&[&edge.leaf(&["nas.example.org"]).0, edge.der()]).unwrap();
    }
}
