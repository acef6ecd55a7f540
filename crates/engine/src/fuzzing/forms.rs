//! Forms and queries of ours: what a sign-in leads to stays where it belongs.

use super::{assert_one_line, text};
use crate::{
    headers::path,
    pages::{door, gate},
};
use hyper::header::HeaderValue;

/// The sign-in form, and with the same names the query of its page.
pub fn sign_in_form(bytes: &[u8]) {
    let form = gate::fields(bytes);
    let way = form.way;
    assert_eq!(form.username.trim(), form.username);
    assert!(way.door.len() <= 272 && (way.state.is_empty() || way.state.len() == 43));
    assert!(way.to.is_empty() || path::is_local_reference(&way.to), "{}", way.to);
    let query = way.query();
    assert_one_line(query.as_bytes());
    assert!(HeaderValue::try_from(&query).is_ok());
    assert_eq!(gate::fields(query.as_bytes()).way, way, "a way survives its query");
}

/// The query of `/.drawbridge/enter`.
pub fn door_entry(bytes: &[u8]) {
    let Some(query) = text(bytes) else { return };
    let (_code, to) = door::entry(query);
    assert!(path::is_local_reference(&to), "{to}");
    let location = format!("https://door.example:8444{to}");
    assert!(HeaderValue::try_from(&location).is_ok());
    let there = url::Url::parse(&location).unwrap();
    assert_eq!(
        there.origin().ascii_serialization(),
        "https://door.example:8444",
        "it leads away: {location}"
    );
    assert!(there.username().is_empty() && there.password().is_none());
}
