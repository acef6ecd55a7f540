//! The last resort: a certificate that vouches for itself.
//!
//! For an internet door without a public certificate or the owner's own. Every browser warns about it, and
//! rightly; [`Issuer::SelfSigned`] marks it, so that the window, the status and the share URL can say so.
//! Never used on the LAN, where the local authority does better.

use std::time::{Duration, SystemTime};

use super::key::P256Key;
use super::leaf::{Issuer, Leaf};
use super::names::Names;
use super::template::{self, MakeError, Window};

/// Makes a self-signed certificate and its key for these names; any name will do, since nobody but its
/// visitor judges it.
///
/// # Errors
///
/// [`MakeError`]; a name with letters outside ASCII is refused by name.
pub(crate) fn self_signed(names: &Names, now: SystemTime) -> Result<Leaf, MakeError> {
    let window = Window::starting(now, SELF_SIGNED_LIFE)?;
    // An issuer may not be nameless (RFC 5280 §4.1.2.4), and here issuer and subject are one.
    let params = template::server(names, window, Some(COMMON_NAME))?;
    let (key, pkcs8) = P256Key::generate().map_err(MakeError::Key)?;
    let certificate = params.self_signed(&key).map_err(MakeError::Sign)?;
    Leaf::load(vec![certificate.into()], &pkcs8, Issuer::SelfSigned).map_err(MakeError::ReadBack)
}

/// What its subject says: what it is, and nothing of whose.
const COMMON_NAME: &str = "self-signed certificate";

/// How long it lives: 397 days; chosen, one day under the 398 that browsers allow public certificates,
/// because every renewal asks whoever pinned it to look again.
const SELF_SIGNED_LIFE: Duration = Duration::from_secs(397 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::testing::{self, now};
    use crate::certificates::x509;

    #[test]
    fn a_self_signed_leaf_is_marked_and_lives_397_days() {
        let leaf = self_signed(&Names::new([], ["example.org", "203.0.113.9"]), now()).unwrap();
        assert_eq!(leaf.issuer_kind(), Issuer::SelfSigned);
        assert_eq!(leaf.not_after(), now() + Duration::from_secs(397 * 86_400));
        assert!(leaf.names().covers("example.org") && leaf.names().covers("203.0.113.9"));
        assert_eq!(leaf.chain().len(), 1);
    }

    #[test]
    fn it_is_a_server_certificate_signed_by_its_own_key_and_no_authority() {
        let leaf = self_signed(&Names::new([], ["example.org"]), now()).unwrap();
        let parsed = x509::parse(leaf.chain().first().unwrap()).unwrap();
        assert!(x509::is_signed_by(&parsed, &parsed));
        assert!(!parsed.is_ca());
        testing::verify(leaf.chain().first().unwrap(), leaf.chain(), "example.org", now()).unwrap();
        let stranger = self_signed(&Names::new([], ["example.org"]), now()).unwrap();
        assert!(
            testing::verify(stranger.chain().first().unwrap(), leaf.chain(), "example.org", now()).is_err()
        );
    }

    #[test]
    fn no_names_make_no_certificate() {
        assert!(matches!(self_signed(&Names::default(), now()), Err(MakeError::NoNames)));
    }
}
