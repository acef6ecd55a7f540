//! What visitors see: the gate's pages, the way in and out of a door, refusals. No outside resource, and no JavaScript but
//! one small script on the pages that ask for a passkey.

mod api;
pub(crate) mod door;
pub(crate) mod gate;
mod pending;
mod qr;
mod routes;

use crate::{
    headers::authority::Scheme,
    proxy::{authenticate, body::Body, refusal::Refusal},
};
use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use drawbridge_texts::{Language, Texts};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use serde::Serialize;
use std::sync::Arc;

/// The pages, ready to be filled.
pub(crate) struct Pages {
    texts: Arc<Texts>,
    style_hash: String,
    script_hash: String,
}

/// What a page may run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Runs {
    Nothing,
    /// The script that talks to passkeys.
    Passkeys,
}

/// What every page begins with.
struct Frame {
    language: &'static str,
    style: &'static str,
    title: String,
}

/// What a response depends on besides its content: the visitor's language, and whether a person looks.
pub(crate) struct Visit {
    language: Language,
    page: bool,
    browser: bool,
}

impl Pages {
    /// With the texts of every language.
    pub(crate) fn new(texts: Arc<Texts>) -> Self {
        let hash = |text: &str| {
            STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
        };
        Self { texts, style_hash: hash(STYLE), script_hash: hash(SCRIPT) }
    }

    /// The beginning of a page with this title.
    fn frame(&self, language: &Language, title: String) -> Frame {
        Frame { language: self.texts.language(language), style: STYLE, title }
    }

    /// A page under our policy; forms may lead to `forms` besides this origin.
    fn page(
        &self,
        status: StatusCode,
        template: &impl Template,
        forms: &str,
        runs: Runs,
    ) -> Result<Response<Body>, Refusal> {
        let text = template.render().map_err(|_| Refusal::Internal)?;
        let mut response = Response::new(Body::full(text));
        *response.status_mut() = status;
        let script = match runs {
            Runs::Nothing => String::new(),
            Runs::Passkeys => format!("script-src 'sha256-{}'; ", self.script_hash),
        };
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; {script}form-action 'self' {forms}; base-uri 'none'; \
             frame-ancestors 'none'",
            self.style_hash
        );
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        harden(headers);
        Ok(response)
    }
}

impl Visit {
    /// What is needed of a request before the stages consume it.
    pub(crate) fn of<B>(request: &Request<B>, scheme: Scheme) -> Self {
        Self {
            language: language(request.headers()),
            page: authenticate::is_page_visit(request),
            browser: authenticate::is_browser(request.headers(), scheme),
        }
    }
}

/// The response to a refusal: a page for people, a problem document for programs, or the status alone.
pub(crate) fn refusal(pages: &Pages, refusal: Refusal, visit: &Visit) -> Response<Body> {
    let row = refusal.row();
    let mut response = if !row.explained {
        Response::new(Body::empty())
    } else if visit.page {
        message(pages, refusal, visit).unwrap_or_else(|_| Response::new(Body::empty()))
    } else {
        document(pages, refusal, visit)
    };
    *response.status_mut() = row.status;
    let headers = response.headers_mut();
    harden(headers);
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(refusal, Refusal::SignInNeeded | Refusal::WrongCredential | Refusal::TokenNeeded)
        && !visit.browser
    {
        // A browser would open its own dialogue in front of the tool's page.
        for way in ["Basic realm=\"Drawbridge\", charset=\"UTF-8\"", "Bearer realm=\"Drawbridge\""] {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(way));
        }
    }
    response
}

/// A redirect by `303 See Other`.
fn see_other(location: &str) -> Result<Response<Body>, Refusal> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(location).map_err(|_| Refusal::BadRequest)?;
    response.headers_mut().insert(header::LOCATION, location);
    harden(response.headers_mut());
    Ok(response)
}

fn message(pages: &Pages, refusal: Refusal, visit: &Visit) -> Result<Response<Body>, Refusal> {
    let row = refusal.row();
    let text = |id: &str| pages.texts.text(&visit.language, id);
    // Asking again for the same helps only where the answer may be another one.
    let (again, again_url) = match refusal {
        Refusal::StaleCode | Refusal::Withdrawn => ("to-sign-in", "/"),
        // Whoever used it just now has a name and password.
        Refusal::StaleInvite => ("invite-used", "/sign-in"),
        Refusal::ReadOnly => ("to-start", "/"),
        Refusal::StalePass => ("invite-used", "/sign-in"),
        Refusal::NoSuchPage | Refusal::NotForYou => ("to-start", "/"),
        _ => ("back", ""),
    };
    let template = Message {
        frame: pages.frame(&visit.language, text(&format!("{}-title", row.text))),
        text: text(&format!("{}-text", row.text)),
        retry: refusal.retry_after(),
        again: text(again),
        again_url,
    };
    pages.page(row.status, &template, "", Runs::Nothing)
}

/// A problem document (RFC 9457).
#[derive(Serialize)]
struct Document {
    r#type: String,
    title: String,
    status: u16,
    detail: String,
}

impl Document {
    fn of(pages: &Pages, refusal: Refusal, visit: &Visit) -> Self {
        let row = refusal.row();
        Self {
            r#type: format!("urn:drawbridge:problem:{}", row.text),
            title: pages.texts.text(&visit.language, &format!("{}-title", row.text)),
            status: row.status.as_u16(),
            detail: pages.texts.text(&visit.language, &format!("{}-text", row.text)),
        }
    }
}

fn document(pages: &Pages, refusal: Refusal, visit: &Visit) -> Response<Body> {
    let document = Document::of(pages, refusal, visit);
    let mut response = Response::new(Body::full(serde_json::to_vec(&document).unwrap_or_default()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    harden(headers);
    response
}

fn harden(headers: &mut HeaderMap) {
    for (name, value) in HARDENING {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let wishes: String = accepted.unwrap_or_default().chars().take(MAX_LANGUAGES).collect();
    Language::accepted(&wishes)
}

/// Fields of everything that is ours. The referrer stays on our origin, else browsers send `Origin: null` with forms.
const HARDENING: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];
/// Letters read of `Accept-Language`.
const MAX_LANGUAGES: usize = 200;
/// The one style sheet, in every page; its hash stands in the policy.
const STYLE: &str = include_str!("../../templates/style.css");
/// The one script; its hash stands in the policy of the pages it is in.
const SCRIPT: &str = include_str!("../../templates/passkey.js");

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    text: String,
    retry: Option<u64>,
    again: String,
    again_url: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_refusal_has_its_words() {
        let (texts, language) = (Texts::new(), Language::accepted("en"));
        for refusal in [
            Refusal::SignInNeeded,
            Refusal::WrongCredential,
            Refusal::TokenNeeded,
            Refusal::Wait(Duration::ZERO),
            Refusal::NotForYou,
            Refusal::ReadOnly,
            Refusal::CrossSite,
            Refusal::StaleCode,
            Refusal::StaleInvite,
            Refusal::StalePass,
            Refusal::NoSuchPage,
            Refusal::TooMuch,
            Refusal::CodeNeeded,
            Refusal::ApprovalPending,
            Refusal::ApprovalLater(Duration::ZERO),
            Refusal::BadPassword,
            Refusal::BadCall,
            Refusal::JustReplaced,
            Refusal::Silent,
            Refusal::ToolDown,
            Refusal::ToolForeign,
            Refusal::ToolBroken,
            Refusal::ToolSlow,
            Refusal::Busy,
            Refusal::Internal,
            Refusal::Withdrawn,
        ] {
            for part in ["title", "text"] {
                let id = format!("{}-{part}", refusal.row().text);
                assert_ne!(texts.text(&language, &id), id);
            }
        }
    }
}
