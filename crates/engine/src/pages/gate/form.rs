//! Reading what a form of the gate sent: little, once, and wiped.

use super::way::Way;
use crate::proxy::{limits, pipeline::Connection, refusal::Refusal};
use drawbridge_protocol::Secret;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// The fields of a form; what it does not have is empty.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) way: Way,
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// The one that shall take its place.
    pub(crate) new_password: Secret,
    /// Of an authenticator app, or a recovery code.
    pub(crate) code: Secret,
    /// What a passkey said.
    pub(crate) passkey: Said,
    /// Whether the page asked for a recovery code.
    pub(crate) recovery: bool,
    /// The id of a session.
    pub(crate) session: String,
    /// The id of a token.
    pub(crate) token: String,
    /// The id of a passkey.
    pub(crate) key: String,
    /// Of a new token: what for, which tool, how many days.
    pub(crate) name: String,
    pub(crate) tool: String,
    pub(crate) days: String,
    /// Of a new pass: how many hours, and whether its guest may only look.
    pub(crate) hours: String,
    pub(crate) read_only: bool,
    /// The id of a pass.
    pub(crate) pass: String,
}

/// What the script of a page read from a passkey, in URL-safe base 64.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) credential: String,
    pub(crate) client: String,
    pub(crate) data: String,
    pub(crate) signature: String,
    /// What a new one calls the account.
    pub(crate) handle: String,
}

/// A form, once it is here.
pub(super) async fn read(connection: &Connection, body: Incoming) -> Result<Form, Refusal> {
    Ok(fields(&read_whole(connection, body).await?))
}

/// A form or call, whole.
pub(in crate::pages) async fn read_whole(
    connection: &Connection,
    body: Incoming,
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let place = connection.shared.forms.take(connection.client).ok_or(Refusal::Busy)?;
    let bytes = tokio::time::timeout(limits::FORM, read_body(body)).await.map_err(|_| Refusal::TooMuch)??;
    drop(place);
    Ok(bytes)
}

/// The fields of a form or of a query.
pub(crate) fn fields(form: &[u8]) -> Form {
    let nothing = || Secret::new(String::new());
    let mut fields = Form {
        way: Way::default(),
        username: String::new(),
        password: nothing(),
        new_password: nothing(),
        code: nothing(),
        passkey: Said::default(),
        recovery: false,
        session: String::new(),
        token: String::new(),
        key: String::new(),
        name: String::new(),
        tool: String::new(),
        days: String::new(),
        hours: String::new(),
        read_only: false,
        pass: String::new(),
    };
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "username" => fields.username = value.trim().to_owned(),
            "password" => fields.password = Secret::new(value.into_owned()),
            "new" => fields.new_password = Secret::new(value.into_owned()),
            "code" => fields.code = Secret::new(value.into_owned()),
            "recovery" => fields.recovery = true,
            "session" => fields.session = value.into_owned(),
            "token" => fields.token = value.into_owned(),
            "key" => fields.key = value.into_owned(),
            "credential" => fields.passkey.credential = value.into_owned(),
            "client" => fields.passkey.client = value.into_owned(),
            "data" => fields.passkey.data = value.into_owned(),
            "signature" => fields.passkey.signature = value.into_owned(),
            "handle" => fields.passkey.handle = value.into_owned(),
            "name" => fields.name = value.into_owned(),
            "tool" => fields.tool = value.into_owned(),
            "days" => fields.days = value.into_owned(),
            "hours" => fields.hours = value.into_owned(),
            "read_only" => fields.read_only = true,
            "pass" => fields.pass = value.into_owned(),
            _ => fields.way.read(&name, &value),
        }
    }
    fields
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
