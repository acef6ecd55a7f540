//! What a program gets whose sign-in waits for the owner: the problem document, with what it needs to ask again and the number
//! by which the person beside it is recognised.

use super::{Document, Visit, api::json};
use crate::proxy::{body::Body, pipeline::Connection, refusal::Refusal};
use drawbridge_protocol::Secret;
use hyper::{
    Response,
    header::{self, HeaderValue},
};
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Pending<'a> {
    #[serde(flatten)]
    document: Document,
    number: u8,
    approval: &'a str,
    expires_in: u64,
}

/// The answer; it is good for so long.
pub(super) fn answer(
    connection: &Connection,
    visit: &Visit,
    token: &Secret,
    number: u8,
    left: Duration,
) -> Result<Response<Body>, Refusal> {
    let document = Document::of(&connection.shared.pages, Refusal::ApprovalPending, visit);
    let (approval, expires_in) = (token.expose(), left.as_secs());
    let mut response = json(&Pending { document, number, approval, expires_in })?;
    *response.status_mut() = Refusal::ApprovalPending.row().status;
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
