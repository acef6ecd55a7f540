//! What a shell in another process uses to ask a running engine.

use crate::{home::Home, platform};
use bytes::{Bytes, BytesMut};
use drawbridge_protocol::{DESK, EVENTS_PATH, Event, Problem, REQUEST_PATH, Request};
use drawbridge_texts::{Sentence, Tell};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use std::io;

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers for this home.
    #[error("nobody answers ({0})")]
    NotRunning(#[source] io::Error),
    /// The engine went away in the middle.
    #[error("the engine went away ({0})")]
    Broken(#[source] hyper::Error),
    /// What came back is not what this version understands.
    #[error("the answer is not understood ({0})")]
    Strange(#[source] serde_json::Error),
    /// The engine said no.
    #[error("refused: {}", .0.detail)]
    Refused(Problem),
}

impl Tell for ClientError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::NotRunning(_) => Sentence::new("not-running"),
            Self::Broken(_) => Sentence::new("broken-off"),
            Self::Strange(_) => Sentence::new("answer-strange"),
            Self::Refused(problem) => Sentence::new("engine-said").with("text", &problem.detail),
        }
    }
}

/// A connection to the engine of a home.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
}

/// The event stream.
pub struct Events {
    body: Incoming,
    rest: BytesMut,
    /// Keeps the connection.
    _sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Calls the engine of a home.
    ///
    /// # Errors
    /// When none is running.
    pub async fn connect(home: &Home) -> Result<Self, ClientError> {
        let stream =
            platform::connect_control(&home.control_socket()).await.map_err(ClientError::NotRunning)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(ClientError::Broken)?;
        tokio::spawn(async move {
            // Its end shows in the request that needed it.
            let _ = connection.await;
        });
        Ok(Self { sender })
    }

    /// Asks, and returns the reply as it came.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn request(&mut self, request: &Request) -> Result<serde_json::Value, ClientError> {
        let body = serde_json::to_vec(request).map_err(ClientError::Strange)?;
        let response = self.send(hyper::Method::POST, REQUEST_PATH, body.into()).await?;
        let refused = !response.status().is_success();
        let bytes = response.into_body().collect().await.map_err(ClientError::Broken)?.to_bytes();
        if refused {
            return Err(ClientError::Refused(serde_json::from_slice(&bytes).map_err(ClientError::Strange)?));
        }
        serde_json::from_slice(&bytes).map_err(ClientError::Strange)
    }

    /// Listens: the whole state first, then changes.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn events(self) -> Result<Events, ClientError> {
        self.listen(EVENTS_PATH).await
    }

    /// The same where the owner sits and can be asked about sign-ins, for as long as this listens.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn events_at_desk(self) -> Result<Events, ClientError> {
        self.listen(&format!("{EVENTS_PATH}?{DESK}")).await
    }

    async fn listen(mut self, path: &str) -> Result<Events, ClientError> {
        let response = self.send(hyper::Method::GET, path, Bytes::new()).await?;
        if !response.status().is_success() {
            let bytes = response.into_body().collect().await.map_err(ClientError::Broken)?.to_bytes();
            return Err(ClientError::Refused(serde_json::from_slice(&bytes).map_err(ClientError::Strange)?));
        }
        Ok(Events { body: response.into_body(), rest: BytesMut::new(), _sender: self.sender })
    }

    async fn send(
        &mut self,
        method: hyper::Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        request.headers_mut().insert(header::HOST, header::HeaderValue::from_static("drawbridge"));
        self.sender.ready().await.map_err(ClientError::Broken)?;
        self.sender.send_request(request).await.map_err(ClientError::Broken)
    }
}

impl Events {
    /// The next event; nothing when the engine stopped.
    ///
    /// # Errors
    /// When the stream breaks or makes no sense.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.split_to(end + 1);
                return serde_json::from_slice(&line).map(Some).map_err(ClientError::Strange);
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.map_err(ClientError::Broken)?;
                    if let Ok(data) = frame.into_data() {
                        self.rest.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
