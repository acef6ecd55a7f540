//! A tool's secrets on the data path: put into what goes to the tool, taken out of what comes back. What goes where is
//! `crate::injection`'s business; here are requests, bodies and their limits.

use super::{Subject, authenticate::is_websocket, limits, refusal::Refusal, snapshot::Shared};
use crate::{
    headers::forwarding,
    injection::{
        How, Injection,
        aria2::{self, Call, Refused},
        query,
        redact::{Needles, Redactor},
    },
};
use bytes::{Bytes, BytesMut};
use drawbridge_protocol::Secret;
use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Method, Request, Uri,
    body::Incoming,
    header::{self, HeaderName, HeaderValue},
    http::uri::PathAndQuery,
};
use std::sync::Arc;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The secrets of one tool, ready for every request.
#[derive(Debug)]
pub(crate) struct Injected {
    fields: Vec<(HeaderName, HeaderValue)>,
    parameters: Vec<(String, Secret)>,
    aria2: Option<Secret>,
    needles: Arc<Needles>,
}

/// A call whose body was read and written anew, and the place it takes until it is sent.
pub(crate) struct Written {
    pub(crate) body: Bytes,
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

/// What a request sends after its head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sends {
    Nothing,
    Body,
    Messages,
}

impl Injected {
    /// What is given to a tool, if anything is.
    pub(crate) fn new(all: &[Injection]) -> Option<Self> {
        let secrets: Vec<Secret> = all.iter().flat_map(Injection::to_redact).collect();
        let parameter = |injection: &Injection| match injection.how() {
            How::Query(name) => Some((name.clone(), injection.secret().clone())),
            How::Header(_) | How::Aria2 => None,
        };
        let is_aria2 = |injection: &&Injection| *injection.how() == How::Aria2;
        (!all.is_empty()).then(|| Self {
            fields: all.iter().filter_map(Injection::header).collect(),
            parameters: all.iter().filter_map(parameter).collect(),
            aria2: all.iter().find(is_aria2).map(|injection| injection.secret().clone()),
            needles: Arc::new(Needles::new(&secrets)),
        })
    }

    /// aria2's own, for what is sent to it in messages.
    pub(crate) const fn aria2(&self) -> Option<&Secret> {
        self.aria2.as_ref()
    }

    /// Sets our fields instead of whatever the visitor sent under their names, in any spelling a tool may read as the
    /// same, and asks for answers in which the secrets could be found.
    pub(crate) fn set_fields(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.fields {
            forwarding::strip_alike(headers, name);
            headers.insert(name, value.clone());
        }
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // Messages must be readable too.
        headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
    }

    /// The path and query as the tool shall see them.
    pub(crate) fn set_query(
        &self,
        method: &Method,
        uri: &Uri,
        sends: Sends,
    ) -> Result<PathAndQuery, Refusal> {
        let mut target = uri.path_and_query().ok_or(Refusal::BadRequest)?.clone();
        for (name, secret) in &self.parameters {
            target = query::put(&target, name, secret).map_err(|_| Refusal::BadRequest)?;
        }
        if let Some(secret) = &self.aria2
            && sends != Sends::Messages
            && Call::of(method, target.path()) == Some(Call::Query)
        {
            if sends == Sends::Body {
                return Err(Refusal::BadRequest);
            }
            let query = aria2::get::inject(target.query().unwrap_or_default(), secret).map_err(refusal)?;
            target = format!("{}?{query}", target.path()).parse().map_err(|_| Refusal::BadRequest)?;
        }
        Ok(target)
    }

    /// Reads a call of aria2's from a body and writes it anew; nothing where the request has none.
    ///
    /// The secret kept other websites from calling aria2 by address: a browser opens any link, with its session. So what
    /// a session opens must come from the tool's own pages.
    pub(crate) async fn read_call(
        &self,
        request: &mut Request<Incoming>,
        subject: &Subject,
        shared: &Shared,
    ) -> Result<Option<Written>, Refusal> {
        let Some(secret) = &self.aria2 else { return Ok(None) };
        let inject = match Call::of(request.method(), request.uri().path()) {
            Some(Call::Json) => aria2::json::inject,
            Some(Call::Xml) => aria2::xml::inject,
            Some(Call::Query) if is_forged(request.headers(), subject) => return Err(Refusal::CrossSite),
            // A call by address changes things too.
            Some(Call::Query) if subject.only_looks() => return Err(Refusal::ReadOnly),
            Some(Call::Query) | None => return Ok(None),
        };
        let headers = request.headers();
        let is_encoded = headers.contains_key(header::CONTENT_ENCODING);
        let reading = read(request.body_mut(), &shared.calls);
        let (place, body) = timeout(limits::CALL, reading).await.map_err(|_| Refusal::Silent)??;
        // Said after the body was read: a reset of what is still being sent overtakes an answer at some visitors.
        if is_encoded {
            return Err(Refusal::BadRequest);
        }
        let body = inject(&body, secret).map_err(refusal)?.into();
        Ok(Some(Written { body, place }))
    }

    /// Fields of an answer with stars where the secrets were.
    pub(crate) fn clean(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let Some(starred) = self.needles.value(value) {
                *value = starred;
            }
        }
    }

    /// A search through one body or message, where there is anything to search for.
    pub(crate) fn redactor(&self) -> Option<Redactor> {
        (!self.needles.is_empty()).then(|| self.needles.redactor())
    }
}

/// Reads a whole call. Only one that has turned out to be large takes a place, so that slow ones keep none from others.
async fn read(
    body: &mut Incoming,
    places: &Arc<Semaphore>,
) -> Result<(Option<OwnedSemaphorePermit>, Bytes), Refusal> {
    let (mut place, mut read) = (None, BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BadRequest)?.into_data() else { continue };
        if read.len() + data.len() > aria2::MOST_BYTES {
            return Err(Refusal::TooMuch);
        }
        if place.is_none() && read.len() + data.len() > limits::SMALL_CALL {
            let waiting = timeout(limits::CALL_PLACE, Arc::clone(places).acquire_owned()).await;
            place = Some(waiting.ok().and_then(Result::ok).ok_or(Refusal::Busy)?);
        }
        read.extend_from_slice(&data);
    }
    Ok((place, read.freeze()))
}

/// Whether another page may have made a browser send this.
fn is_forged(headers: &HeaderMap, subject: &Subject) -> bool {
    let says = |name: &str, value: &str| headers.get(name).is_some_and(|said| said == value);
    let own = says("sec-fetch-site", "same-origin") && !says("sec-fetch-mode", "navigate");
    // A browser may also send a name and password by itself.
    let browser = ["sec-fetch-site", "sec-fetch-mode", "origin", "referer"];
    let by_browser = subject.is_by_cookie() || browser.iter().any(|name| headers.contains_key(*name));
    by_browser && !is_websocket(headers) && !own
}

fn refusal(why: Refused) -> Refusal {
    match why {
        Refused::TooLarge => Refusal::TooMuch,
        Refused::Malformed | Refused::Ambiguous | Refused::Method | Refused::Parameters => {
            Refusal::BadRequest
        }
    }
}
