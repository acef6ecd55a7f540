//! Names a client must not be able to make up: forwarding chains and identities (P2).
//!
//! Tools read them in several spellings (`X-Remote-User`, `X_Remote_User`, CGI's `HTTP_X_REMOTE_USER`), so names are
//! compared with everything but letters and digits folded. Unknown names that begin like these are removed too.

use hyper::{HeaderMap, header::HeaderName};

/// Removes every field that tells who or where the visitor is.
pub(crate) fn strip(headers: &mut HeaderMap) {
    super::remove_where(headers, |name| tells_who_or_where(name.as_str()));
}

fn tells_who_or_where(name: &str) -> bool {
    let mut folded = [0_u8; LONGEST];
    // Longer than any name in the lists: only a beginning could match.
    let length = name.len().min(LONGEST);
    for (to, from) in folded.iter_mut().zip(name.bytes()) {
        *to = if from.is_ascii_alphanumeric() { from } else { b'-' };
    }
    let mut folded =
        folded.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    while let Some(rest) = folded.strip_prefix("http-") {
        folded = rest;
    }
    let lists = match folded.as_bytes() {
        [b'x', b'-', ..] => WITH_X,
        [first, ..] if PLAIN_LETTERS.contains(first) => PLAIN,
        _ => return false,
    };
    (length == name.len() && lists.names.contains(&folded))
        || lists.beginnings.iter().any(|beginning| folded.starts_with(beginning))
}

/// Longest name that is folded whole.
const LONGEST: usize = 64;

/// Exact names and beginnings after folding.
struct Lists {
    names: &'static [&'static str],
    beginnings: &'static [&'static str],
}

/// Those that begin with `x-`. What nginx, Caddy, Traefik, Cloudflare, oauth2-proxy, Authelia, authentik and the tools
/// behind them (Grafana, Jupyter, Gitea, Home Assistant) read as truth.
const WITH_X: Lists = Lists {
    names: &[
        "x-real-ip",
        "x-userid",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-host",
        "x-original-host",
        "x-original-url",
        "x-original-uri",
        "x-original-method",
        "x-original-forwarded-for",
        "x-rewrite-url",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-remote-ip",
        "x-remote-addr",
        "x-proxyuser-ip",
        "x-originating-ip",
        "x-scheme",
        "x-url-scheme",
        "x-script-name",
        "x-accel-redirect",
        "x-sendfile",
        "x-user",
        "x-username",
        "x-email",
        "x-groups",
    ],
    beginnings: &[
        "x-forwarded",
        "x-remote-",
        "x-auth-request-",
        "x-auth-user",
        "x-auth-email",
        "x-auth-groups",
        "x-authenticated-",
        "x-amzn-oidc-",
        "x-consumer-",
        "x-user-",
        "x-jwt-",
        "x-iap-",
        "x-tailscale-",
        "x-authentik-",
        "x-webauth-",
        "x-drawbridge",
        "x-ssl-",
        "x-client-cert",
        "x-token-subject",
        "x-pomerium-",
        "x-goog-authenticated-user",
        "x-ms-client-principal",
        "x-envoy-",
    ],
};

/// The others.
const PLAIN: Lists = Lists {
    names: &[
        "forwarded",
        "remote-user",
        "remote-name",
        "remote-email",
        "remote-groups",
        "remote-addr",
        "client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "cf-connecting-ipv6",
        "cf-ipcountry",
        "fastly-client-ip",
        "fly-client-ip",
        "via",
        "proxy",
    ],
    beginnings: &["auth-user", "ssl-client-", "oidc-", "remote-user", "cf-access-", "tailscale-"],
};

/// Letters the others begin with, so that most fields of a request need no further look.
const PLAIN_LETTERS: &[u8] = b"acfoprstv";

/// Removes a field in every spelling that some tool may read as this name.
pub(crate) fn strip_alike(headers: &mut HeaderMap, name: &HeaderName) {
    super::remove_where(headers, |other| are_alike(name, other));
}

/// Whether some tool may read two names as the same: letters and digits count, their case and what is between them do
/// not, nor a leading `HTTP_`.
fn are_alike(one: &HeaderName, other: &HeaderName) -> bool {
    let fold = |name: &HeaderName| {
        let letters = name.as_str().bytes();
        let folded: Vec<u8> =
            letters.map(|letter| if letter.is_ascii_alphanumeric() { letter } else { b'-' }).collect();
        let mut rest = folded.as_slice();
        while let Some(after) = rest.strip_prefix(b"http-") {
            rest = after;
        }
        rest.to_vec()
    };
    fold(one) == fold(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_goes() {
        for name in [
            "x-forwarded-for",
            "x_forwarded_for",
            "x.forwarded.for",
            "x-forwarded_host",
            "forwarded",
            "x-remote-user",
            "x_remote_user",
            "remote_user",
            "http_x_remote_user",
            "x-webauth-user",
            "x-real-ip",
            "x-userid",
            "x_real.ip",
            "x-drawbridge-user",
            "true-client-ip",
            "x-original-url",
            "via",
            "tailscale-user-login",
            "x!remote!user",
            "x|forwarded|for",
            "x~webauth~user",
            "http_http_x_remote_user",
            "ssl-client-s-dn",
            "oidc_claim_email",
        ] {
            assert!(tells_who_or_where(name), "{name}");
        }
        assert!(tells_who_or_where(&format!("x_forwarded_{}", "a".repeat(100))));
    }

    #[test]
    fn every_listed_name_is_found_where_it_is_looked_for() {
        for lists in [WITH_X, PLAIN] {
            for name in lists.names.iter().chain(lists.beginnings) {
                assert!(tells_who_or_where(name), "{name}");
            }
        }
    }

    #[test]
    fn ordinary_names_stay() {
        for name in [
            "accept",
            "cookie",
            "x-xsrftoken",
            "x-requested-with",
            "content-type",
            "origin",
            "range",
            "if-match",
            "x-csrf-token",
            "x-api-key",
            "authorization",
            "x-jupyter-session",
            "x-auth-token",
            "depth",
            "destination",
        ] {
            assert!(!tells_who_or_where(name), "{name}");
        }
    }
}
