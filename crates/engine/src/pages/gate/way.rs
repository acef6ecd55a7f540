//! Where a sign-in leads, and that it never leads anywhere but to an open door of ours.

use super::caller::Caller;
use crate::{
    headers::{
        authority::{self, Authority},
        path,
    },
    pages::see_other,
    proxy::{
        body::Body,
        door::{Door, Serves},
        refusal::Refusal,
    },
};
use hyper::Response;
use std::sync::Arc;
use url::form_urlencoded;

/// Where a sign-in leads: a door of ours, the browser's mark, and the path there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Way {
    pub(crate) door: String,
    pub(crate) state: String,
    pub(crate) to: String,
}

impl Way {
    pub(super) fn read(&mut self, name: &str, value: &str) {
        match name {
            "door" if value.len() <= ORIGIN_LETTERS => value.clone_into(&mut self.door),
            "state" if value.len() == STATE_LETTERS => value.clone_into(&mut self.state),
            "to" if path::is_local_reference(value) => value.clone_into(&mut self.to),
            _ => {}
        }
    }

    /// The same way in a URL.
    pub(crate) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("door", &self.door)
            .append_pair("state", &self.state)
            .append_pair("to", &self.to)
            .finish()
    }

    /// Into a door with a one-time code, and on from there.
    pub(super) fn enter(&self, origin: &str, code: &str) -> Result<Response<Body>, Refusal> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", code)
            .append_pair("to", &self.to)
            .finish();
        see_other(&format!("{origin}/.drawbridge/enter?{query}"))
    }

    /// The open door it names at this gate's level, with its origin; the gate never leads anywhere else. Without TLS only to
    /// a door that does without it, and with TLS never to one without.
    pub(super) fn door<'a>(&self, caller: &Caller<'a>) -> Option<(&'a Arc<Door>, String)> {
        let scheme = caller.connection.scheme;
        let (written, authority) = self.door.split_once("://")?;
        let authority: Authority = authority.parse().ok().filter(|_| written == scheme.name())?;
        let door = caller.snapshot.doors.iter().find(|door| {
            door.plan.level == caller.level()
                && door.plan.serves != Serves::Gate
                && door.is_named_by(scheme, &authority)
                && (!caller.is_plain() || door.plain().is_some())
        })?;
        // Back to the very host that began, where it is one of the door's; its cookie lies there.
        let origin = authority::origin(scheme, &authority.host, door.plan.port);
        let origin = if door.plan.hosts.contains(&authority.host) {
            origin
        } else {
            door.origin_from_gate(&caller.target.origin.host)
        };
        Some((door, origin))
    }
}

/// Letters of a browser's mark (256 bits in base 64).
const STATE_LETTERS: usize = 43;
/// Letters of a door's origin (the longest DNS name, scheme and port).
const ORIGIN_LETTERS: usize = 272;
