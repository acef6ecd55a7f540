//! What a program presents with a request, read once: a name and password, a token, or an access token. And whether a
//! credential is ours at all; what is not belongs to the tool.

use super::{
    basic::{self, Credential},
    jwt::Signer,
    sign_in::Users,
    token,
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use drawbridge_protocol::Secret;
use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};
use zeroize::Zeroizing;

/// A credential that claims to be for us.
pub(crate) enum Presented {
    /// `Authorization: Basic`.
    Password(Credential),
    /// A token as the password of `Basic`; it opens for the user it belongs to only.
    TokenOf(Credential),
    /// A token in `Authorization: Bearer` or our own field.
    Token(Secret),
    /// An access token, in the same places.
    Access(Secret),
}

/// The credential of a request: our own field first, so that `Authorization` stays free for the tool; nothing where there
/// is none, more than one, or one that is the tool's.
pub(crate) fn read(headers: &HeaderMap, signer: Option<&Signer>) -> Option<Presented> {
    let mut fields = headers.get_all(FIELD).iter();
    if let Some(field) = fields.next() {
        // Here everything is for us, good or not.
        let text = fields.next().is_none().then(|| field.to_str().ok()).flatten()?.trim();
        let secret = Secret::new(text.to_owned());
        return Some(if token::is_shaped(text) {
            Presented::Token(secret)
        } else {
            Presented::Access(secret)
        });
    }
    if let Some(credential) = basic::read(headers) {
        let is_token = token::is_shaped(credential.password.expose());
        return Some(if is_token { Presented::TokenOf(credential) } else { Presented::Password(credential) });
    }
    let text = bearer(headers)?;
    if token::is_shaped(text) {
        return Some(Presented::Token(Secret::new(text.to_owned())));
    }
    signer
        .is_some_and(|signer| signer.is_named_by(text))
        .then(|| Presented::Access(Secret::new(text.to_owned())))
}

/// Whether a request that shows nothing readable still meant to show something: our own field, or a name of ours in
/// `Authorization`.
pub(crate) fn is_meant(headers: &HeaderMap, users: &impl Users) -> bool {
    headers.contains_key(FIELD) || is_ours(headers, users, None)
}

/// Whether what stands in `Authorization` is ours, right or wrong: no tool may ever see it. Read generously: in whatever
/// scheme and letters, a token of ours, an access token of this installation, or Basic with the name of an account.
pub(crate) fn is_ours(headers: &HeaderMap, users: &impl Users, signer: Option<&Signer>) -> bool {
    let Some(field) = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) else { return false };
    let (scheme, rest) = field.split_at(field.iter().position(u8::is_ascii_whitespace).unwrap_or(0));
    let rest = rest.trim_ascii();
    if has_token(field) || has_access_token(rest, signer) {
        return true;
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return false;
    }
    let Ok(decoded) = LENIENT.decode(rest).map(Zeroizing::new) else { return false };
    let name = decoded.split(|byte| *byte == b':').next().unwrap_or_default();
    // As UTF-8, or as the letters of Latin-1 that some programs send.
    let latin: String = name.iter().map(|byte| char::from(*byte)).collect();
    let known = |name: &str| users.is_name(name.trim());
    has_token(&decoded)
        || decoded.split(|byte| *byte == b':').any(|part| has_access_token(part, signer))
        || std::str::from_utf8(name).is_ok_and(known)
        || known(&latin)
}

/// Whether a token of ours may stand in it.
fn has_token(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, token::PREFIX.as_bytes()).is_some()
}

fn has_access_token(bytes: &[u8], signer: Option<&Signer>) -> bool {
    let text = std::str::from_utf8(bytes).ok();
    text.is_some_and(|text| signer.is_some_and(|signer| signer.is_named_by(text)))
}

/// The text after `Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    let (scheme, text) = field.to_str().ok()?.split_once([' ', '\t'])?;
    scheme.eq_ignore_ascii_case("bearer").then(|| text.trim())
}

/// Base 64 as programs write it, padded or not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Our own field: beside it, `Authorization` is the tool's.
pub(crate) const FIELD: HeaderName = HeaderName::from_static("x-drawbridge-token");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Timestamp, identity::user::User};
    use base64::engine::general_purpose::STANDARD;
    use std::sync::Arc;

    struct Anna;

    impl Users for Anna {
        fn by_name(&self, _: &str) -> Option<Arc<User>> {
            None
        }

        fn by_id(&self, _: crate::identity::UserId) -> Option<Arc<User>> {
            None
        }

        fn is_name(&self, name: &str) -> bool {
            name.eq_ignore_ascii_case("anna")
        }
    }

    fn headers(fields: &[(HeaderName, String)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn token() -> String {
        format!("{}{}", token::PREFIX, "x".repeat(43))
    }

    fn kind(fields: &[(HeaderName, String)], signer: Option<&Signer>) -> &'static str {
        match read(&headers(fields), signer) {
            None => "none",
            Some(Presented::Password(_)) => "password",
            Some(Presented::TokenOf(_)) => "token of",
            Some(Presented::Token(_)) => "token",
            Some(Presented::Access(_)) => "access",
        }
    }

    #[test]
    fn every_place_is_read_and_a_tools_own_is_left_alone() {
        use header::AUTHORIZATION;
        let signer = Signer::new(Timestamp(1)).unwrap();
        let bearer = crate::identity::jwt::Bearer { name: "anna", session: "a", expires: Timestamp(9) };
        let jwt = signer.pair(&bearer, "j", Timestamp(1)).unwrap().access.expose().to_owned();
        let other = Signer::new(Timestamp(1)).unwrap();
        let basic = |text: &str| (AUTHORIZATION, format!("Basic {}", STANDARD.encode(text)));
        let with = |text: &str| (AUTHORIZATION, format!("bEaReR {text}"));
        for (fields, expected, ours) in [
            (vec![], "none", false),
            (vec![basic("anna:pass")], "password", true),
            (vec![basic("admin:pass")], "password", false),
            (vec![basic(&format!("x:{}", token()))], "token of", true),
            (vec![with(&token())], "token", true),
            (vec![with(&jwt)], "access", true),
            (vec![(AUTHORIZATION, format!("Bearer\t{}", token()))], "token", true),
            (vec![(AUTHORIZATION, format!("token {}", token()))], "none", true),
            (vec![(AUTHORIZATION, token())], "none", true),
            (vec![basic(&format!("{}:x-oauth-basic", token()))], "password", true),
            (vec![basic(&format!("admin:{jwt}"))], "password", true),
            (vec![basic(" Anna :pass")], "password", true),
            (vec![(AUTHORIZATION, "Basic YW5uYTpw".to_owned())], "password", true),
            (vec![(AUTHORIZATION, "Basic YW5uYTpwYQ".to_owned())], "none", true),
            (vec![(AUTHORIZATION, format!("Basic {}", STANDARD.encode(b"anna:p\xe4ss")))], "none", true),
            (vec![(AUTHORIZATION, format!("Basic {}", STANDARD.encode(b"b\xe9a:p\xe4ss")))], "none", false),
            (vec![with("the-tools-own")], "none", false),
            (vec![with("a.b.c")], "none", false),
            (vec![with(&format!("{}x", token()))], "none", true),
            (vec![(FIELD, token())], "token", false),
            (vec![(FIELD, jwt.clone())], "access", false),
            (vec![(FIELD, "nonsense".to_owned())], "access", false),
            (vec![(FIELD, token()), with("the-tools-own")], "token", false),
            (vec![(FIELD, token()), basic("anna:pass")], "token", true),
        ] {
            assert_eq!(kind(&fields, Some(&signer)), expected, "{fields:?}");
            assert_eq!(is_ours(&headers(&fields), &Anna, Some(&signer)), ours, "{fields:?}");
        }
        assert_eq!(kind(&[with(&jwt)], Some(&other)), "none", "of another installation");
        assert_eq!(kind(&[with(&jwt)], None), "none");
    }
}
