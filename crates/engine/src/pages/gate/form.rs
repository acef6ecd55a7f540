//! Reading what a form of the gate sent: little, once, and wiped.

use super::way::Way;
use crate::proxy::{limits, pipeline::Connection, refusal::Refusal};
use drawbridge_protocol::Secret;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// A form's fields, once it is here.
pub(super) async fn read_form(
    connection: &Connection,
    body: Incoming,
) -> Result<(Way, String, Secret), Refusal> {
    Ok(fields(&read_whole(connection, body).await?))
}

/// A form or call, whole.
pub(in crate::pages) async fn read_whole(
    connection: &Connection,
    body: Incoming,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    // Few forms are held at once, so that bodies sent for nothing cost nothing.
    let place = connection.shared.forms.try_acquire().map_err(|_| Refusal::Busy)?;
    let bytes = tokio::time::timeout(limits::FORM, read_body(body)).await.map_err(|_| Refusal::TooMuch)??;
    drop(place);
    Ok(bytes)
}

/// A form's way, name and password; what it does not have is empty.
pub(crate) fn fields(form: &[u8]) -> (Way, String, Secret) {
    let (mut way, mut username, mut password) = (Way::default(), String::new(), Secret::new(String::new()));
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "username" => username = value.trim().to_owned(),
            "password" => password = Secret::new(value.into_owned()),
            _ => way.read(&name, &value),
        }
    }
    (way, username, password)
}

/// The body in one buffer that is wiped; the pieces it came in would each keep a larger one.
async fn read_body(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(limits::FORM_BYTES));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::BadRequest)?.into_data() else { continue };
        if bytes.len() + data.len() > limits::FORM_BYTES {
            return Err(Refusal::TooMuch);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
