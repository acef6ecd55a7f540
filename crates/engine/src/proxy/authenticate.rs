//! Who asks: a session of this door, or what a program presents: a name and password, a token, an access token, or a
//! one-time token for a WebSocket. And whether the request came from where it claims: what a cookie opens must come from the
//! door's own pages; what a program presents may also come from a listed origin's.

use super::{
    Subject, cors,
    door::Door,
    identify::Client,
    refusal::Refusal,
    route::Target,
    snapshot::{Shared, Snapshot},
};
use crate::{
    headers::{authority::Scheme, cookie, hop_by_hop},
    identity::{
        approval::{Asked, Shown},
        presented::{self, Presented},
        program::{Admission, Desk, Known},
        session::Kind,
        socket_token,
        user::User,
    },
    tools::ToolId,
};
use hyper::{
    HeaderMap, Method, Request,
    header::{self, HeaderName},
};
use std::sync::Arc;

/// The name of the session cookie of the origin with this port.
pub(crate) fn cookie_name(scheme: Scheme, port: u16) -> String {
    format!("{}{port}", cookie::prefix(scheme))
}

/// Who asks for a tool; nothing means nobody.
pub(crate) async fn authenticate<B>(
    request: &Request<B>,
    tool: &ToolId,
    door: &Door,
    target: &Target,
    client: Client,
    snapshot: &Snapshot,
    shared: &Shared,
) -> Result<Option<Subject>, Refusal> {
    if is_websocket(request.headers())
        && let Some(text) = request.uri().query().and_then(socket_token::named)
    {
        // None is given out in clear, so one that comes so was overheard or made up: it is used up, and opens nothing.
        let subject = shared.socket_tokens.take(text.expose(), tool, door.plan.level);
        let subject = subject.filter(|_| target.origin.scheme == Scheme::Https);
        return subject.map(Some).ok_or(Refusal::WrongCredential);
    }
    let headers = request.headers();
    let signer = shared.signer.load();
    let presented = || presented::read(headers, signer.as_deref());
    let is_listed = || snapshot.tools.get(tool).is_some_and(|tool| cors::listed(headers, tool).is_some());
    if let Some(subject) = by_cookie(headers, tool, (door, target.origin.scheme), snapshot, shared) {
        match check_origin(request, &target.origin.text, Credential::Cookie) {
            Ok(()) => return Ok(Some(subject)),
            // The session lies in the browser; a page of a listed origin may have sent a credential of its own beside it.
            Err(_) if is_listed() && presented().is_some() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let Some(presented) = presented() else { return Ok(None) };
    // Made under TLS for every tool of its account; here it would be anybody's who listens.
    if target.origin.scheme == Scheme::Http && matches!(presented, Presented::Access(_)) {
        return Err(Refusal::WrongCredential);
    }
    if !is_listed() {
        check_origin(request, &target.origin.text, Credential::Header)?;
    }
    let desk = Desk {
        sign_in: &shared.sign_in,
        approvals: &shared.approvals,
        tokens: &shared.tokens,
        sessions: &shared.sessions,
        signer: signer.as_deref(),
        now: shared.clock.timestamp(),
        level: door.plan.level,
        network: client.network(),
    };
    match Box::pin(desk.admit(snapshot, presented)).await {
        Admission::Welcome(known) => Ok(Some(Subject::from(known))),
        // Known only now that the password was right; a wrong one is refused as it always was.
        Admission::Halfway => Err(Refusal::TokenNeeded),
        Admission::Unapproved(user) => Err(ask_owner(&user, headers, client, shared)),
        Admission::Wrong => {
            tracing::info!(client = %client.address(), door = %door.plan.port, "a program's credential was wrong");
            Err(Refusal::WrongCredential)
        }
        Admission::Wait(left) => Err(Refusal::Wait(left)),
        Admission::Busy => Err(Refusal::Busy),
    }
}

/// Asks the owner about a program that sends name and password; until then it is refused.
fn ask_owner(user: &Arc<User>, headers: &HeaderMap, client: Client, shared: &Shared) -> Refusal {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let from = (client.address(), agent);
    let asked = shared.approvals.ask(user, from, &Shown::Network(client.network()));
    shared.changed.notify_one();
    match asked {
        Ok(Asked::Busy) => Refusal::Busy,
        Ok(Asked::Later(left)) => Refusal::ApprovalLater(left),
        Ok(_) => Refusal::ApprovalPending,
        Err(_) => Refusal::Internal,
    }
}

/// Whose session at this door the browser has: a user's, or a guest's whose pass somebody still stands behind. Without TLS
/// only what was made without it counts.
fn by_cookie(
    headers: &HeaderMap,
    tool: &ToolId,
    (door, scheme): (&Door, Scheme),
    snapshot: &Snapshot,
    shared: &Shared,
) -> Option<Subject> {
    let level = door.plan.level;
    let (value, kind) = match scheme {
        Scheme::Https => (cookie::value(headers, &door.session_cookie)?, Kind::Browser),
        Scheme::Http => (cookie::value(headers, &cookie_name(scheme, door.plan.port))?, Kind::Plain),
    };
    if let Some(session) = shared.sessions.at_door(value, tool, level, kind) {
        let user = Arc::clone(snapshot.users.get(&session.user)?);
        return Some(Subject::Session { user, session });
    }
    if kind == Kind::Plain {
        return None;
    }
    let entered = shared.passes.at_door(value, tool, level)?;
    let backer = entered.pass.backer(level, snapshot)?;
    Some(Subject::Pass { entered, backer })
}

impl From<Known> for Subject {
    fn from(known: Known) -> Self {
        match known {
            Known::Password(user) => Self::Basic { user },
            Known::Token(user, token) => Self::Token { user, token },
            Known::Access(user, session) => Self::Access { user, session },
        }
    }
}

/// How a request proves itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Credential {
    /// A cookie, which a browser also sends for other sites' pages.
    Cookie,
    /// A field a program set itself.
    Header,
}

/// Refuses what another site made a browser send.
///
/// With a cookie, writes and WebSockets need this very origin, and other requests may come from elsewhere only as a
/// plain navigation. A field set by a program is proof enough, unless it names another origin and would change something.
pub(crate) fn check_origin<B>(request: &Request<B>, origin: &str, by: Credential) -> Result<(), Refusal> {
    let headers = request.headers();
    // What a browser sends by itself is no better than a cookie: it also sends a remembered password for other sites.
    // Without TLS it does not say for which.
    let by_browser =
        headers.contains_key(SITE) || (origin.starts_with("http:") && calls_itself_browser(headers));
    let by = if by_browser { Credential::Cookie } else { by };
    let named = headers.get(header::ORIGIN).map(|value| value.as_bytes() == origin.as_bytes());
    let socket = is_websocket(headers);
    match (by, named) {
        (_, Some(true)) | (Credential::Header, None) => Ok(()),
        (Credential::Header, Some(false)) if !socket && is_safe(request.method()) => Ok(()),
        (Credential::Header, Some(false)) => Err(Refusal::CrossSite),
        (Credential::Cookie, None) if !socket && is_safe(request.method()) => check_site(headers),
        (Credential::Cookie, None) if !socket && is_own_site(headers) => Ok(()),
        (Credential::Cookie, Some(false))
            if !socket && is_safe(request.method()) && is_navigation(headers) =>
        {
            Ok(())
        }
        (Credential::Cookie, _) => Err(Refusal::CrossSite),
    }
}

/// Whether a request asks to become a WebSocket (RFC 6455 §4.1).
pub(crate) fn is_websocket(headers: &HeaderMap) -> bool {
    hop_by_hop::has_token(headers, header::UPGRADE, "websocket")
        && hop_by_hop::has_token(headers, header::CONNECTION, "upgrade")
}

/// Whether a person opens a page: what may be answered with a redirect or a page.
pub(crate) fn is_page_visit<B>(request: &Request<B>) -> bool {
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return false;
    }
    let headers = request.headers();
    match headers.get(MODE) {
        Some(mode) => mode == "navigate",
        None => headers
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.to_str().is_ok_and(|text| text.contains("text/html"))),
    }
}

/// Whether a browser sent it; only those name the place it was sent from, and without TLS not even they.
pub(crate) fn is_browser(headers: &HeaderMap, scheme: Scheme) -> bool {
    headers.contains_key(MODE) || (scheme == Scheme::Http && calls_itself_browser(headers))
}

/// Every browser in use says so, for reasons of history; those of some television sets are older.
pub(crate) fn calls_itself_browser(headers: &HeaderMap) -> bool {
    let names: [&[u8]; 2] = [b"Mozilla/", b"Opera/"];
    let agent = headers.get(header::USER_AGENT).map(|agent| agent.as_bytes());
    agent.is_some_and(|agent| names.iter().any(|name| agent.starts_with(name)))
}

fn check_site(headers: &HeaderMap) -> Result<(), Refusal> {
    if is_own_site(headers) || !headers.contains_key(SITE) || is_navigation(headers) {
        Ok(())
    } else {
        Err(Refusal::CrossSite)
    }
}

/// The page of this origin itself, or the address bar.
fn is_own_site(headers: &HeaderMap) -> bool {
    headers.get(SITE).is_some_and(|site| site == "same-origin" || site == "none")
}

/// A top-level page visit, not a frame, image or script of another site.
fn is_navigation(headers: &HeaderMap) -> bool {
    headers.get(MODE).is_some_and(|mode| mode == "navigate")
        && headers.get(DESTINATION).is_some_and(|destination| destination == "document")
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Says whether a browser sends a request for this origin, a sibling or another site (Fetch Metadata).
pub(crate) const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DESTINATION: HeaderName = HeaderName::from_static("sec-fetch-dest");

#[cfg(test)]
mod listed;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, by: Credential, fields: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        check_origin(&request.body(()).unwrap(), "https://a:1", by).is_ok()
    }

    const SOCKET: [(&str, &str); 2] = [("connection", "Upgrade"), ("upgrade", "websocket")];

    #[test]
    fn cookie_writes_need_the_exact_origin() {
        use Credential::Cookie;
        assert!(check("POST", Cookie, &[("origin", "https://a:1")]));
        assert!(check("POST", Cookie, &[("sec-fetch-site", "same-origin")]));
        for origin in
            ["https://a:2", "https://a", "http://a:1", "null", "https://a:1.evil.org", "HTTPS://a:1"]
        {
            assert!(!check("POST", Cookie, &[("origin", origin)]), "{origin}");
            assert!(
                !check("DELETE", Cookie, &[("origin", origin), ("sec-fetch-site", "same-origin")]),
                "{origin}"
            );
        }
        assert!(!check("POST", Cookie, &[]));
        assert!(!check("POST", Cookie, &[("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn cookie_reads_by_other_sites_are_navigations_only() {
        use Credential::Cookie;
        let navigation = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert!(check("GET", Cookie, &[]));
        assert!(check("GET", Cookie, &navigation));
        assert!(!check("POST", Cookie, &navigation));
        assert!(!check("GET", Cookie, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(!check(
            "GET",
            Cookie,
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]
        ));
        assert!(!check("GET", Cookie, &[("origin", "https://a:2"), ("sec-fetch-mode", "cors")]));
    }

    #[test]
    fn a_password_a_browser_remembers_is_held_to_the_same() {
        use Credential::Header;
        assert!(check("POST", Header, &[]));
        assert!(!check("POST", Header, &[("origin", "https://evil.example")]));
        assert!(!check("POST", Header, &[("sec-fetch-site", "cross-site")]));
        assert!(!check("GET", Header, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(check("POST", Header, &[("sec-fetch-site", "same-origin"), ("origin", "https://a:1")]));
    }

    #[test]
    fn without_tls_a_browser_is_known_by_its_name() {
        let check = |method: &str, fields: &[(&str, &str)]| {
            let mut request = Request::builder().method(method).uri("/");
            for (name, value) in fields {
                request = request.header(*name, *value);
            }
            check_origin(&request.body(()).unwrap(), "http://a:1", Credential::Header).is_ok()
        };
        let (browser, other) = (("user-agent", "Mozilla/5.0"), ("origin", "http://evil.example"));
        assert!(check("GET", &[other]) && check("POST", &[]));
        assert!(!check("GET", &[browser, other]) && !check("POST", &[browser]));
        assert!(check("GET", &[browser]) && check("POST", &[browser, ("origin", "http://a:1")]));
        assert!(!check("POST", &[("origin", "https://a:1")]), "the same place under TLS is another");
    }

    #[test]
    fn websockets_need_the_exact_origin() {
        let with = |origin: &'static str| [SOCKET[0], SOCKET[1], ("origin", origin)];
        assert!(check("GET", Credential::Cookie, &with("https://a:1")));
        assert!(!check("GET", Credential::Cookie, &with("https://a:2")));
        assert!(!check("GET", Credential::Cookie, &SOCKET));
        assert!(check("GET", Credential::Header, &SOCKET));
        assert!(!check("GET", Credential::Header, &with("https://a:2")));
    }
}
