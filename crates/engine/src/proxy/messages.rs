//! Tunnels to tools that are given secrets: message by message, so that aria2's calls get theirs and no answer shows one.
//! Every other tunnel flows as bytes, in `upgrade.rs`.

use super::{Lease, inject::Injected, limits};
use crate::injection::aria2;
use bytes::{Bytes, BytesMut};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

/// Joins both sides in a task of its own. What is `held` is kept while the tunnel lasts.
pub(crate) fn join<H: 'static>(
    visitor: OnUpgrade,
    tool: OnUpgrade,
    lease: Lease,
    injected: Arc<Injected>,
    held: H,
) {
    tokio::task::spawn_local(async move {
        tokio::select! {
            biased;
            () = lease.withdrawn() => {}
            () = flow(visitor, tool, &injected) => {}
        }
        drop(held);
    });
}

async fn flow(visitor: OnUpgrade, tool: OnUpgrade, injected: &Injected) {
    let (Ok(visitor), Ok(tool)) = (visitor.await, tool.await) else { return };
    let config = |most: usize| {
        let config = WebSocketConfig::default().max_message_size(Some(most)).max_frame_size(Some(most));
        Some(config.max_write_buffer_size(limits::SEND_BUFFER + aria2::MOST_BYTES))
    };
    let (visitor, tool) = (TokioIo::new(visitor), TokioIo::new(tool));
    let visitor = WebSocketStream::from_raw_socket(visitor, Role::Server, config(limits::MESSAGE)).await;
    let tool = WebSocketStream::from_raw_socket(tool, Role::Client, config(aria2::MOST_BYTES)).await;
    let (mut to_visitor, from_visitor) = visitor.split();
    let (mut to_tool, from_tool) = tool.split();
    // What was not understood is answered at once, on the way the tool's own answers take.
    let (back, backs) = mpsc::channel(BACKLOG);
    let inward = inward(from_visitor, &mut to_tool, injected, &back);
    let outward = outward(from_tool, backs, &mut to_visitor, injected);
    // An end of either direction is the end of both.
    let end = tokio::select! {
        end = inward => end,
        end = outward => end,
    };
    let goodbye = async {
        match end {
            // The side that does not know yet learns that it is over.
            End::Goodbye => drop(tokio::join!(to_visitor.close(), to_tool.close())),
            End::TooLarge => {
                let frame = CloseFrame { code: CloseCode::Size, reason: Utf8Bytes::default() };
                let _ = to_visitor.send(Message::Close(Some(frame))).await;
            }
            // Whoever is gone said no goodbye, and none is made up.
            End::Gone => {}
        }
    };
    let _ = tokio::time::timeout(limits::TUNNEL_END, goodbye).await;
}

/// How a direction ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// One side said so.
    Goodbye,
    /// A message was larger than what is held here.
    TooLarge,
    /// A connection broke.
    Gone,
}

/// From the visitor to the tool, until either ends.
async fn inward(
    mut from: impl Stream<Item = Result<Message, Error>> + Unpin,
    to: &mut (impl Sink<Message> + Unpin),
    injected: &Injected,
    back: &mpsc::Sender<Message>,
) -> End {
    loop {
        let message = match readable(from.next().await) {
            Ok(message) => message,
            Err(end) => return end,
        };
        let is_call = message.is_text() || message.is_binary();
        let message = match injected.aria2().filter(|_| is_call) {
            None => Some(message),
            Some(secret) => {
                let call = aria2::message(&message.into_data(), secret).ok();
                call.and_then(|call| String::from_utf8(call).ok()).map(Message::text)
            }
        };
        let sent = match message {
            Some(message) => pass(message, to).await,
            None => back.send(Message::text(UNREADABLE)).await.map_err(|_| End::Gone),
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

/// From the tool to the visitor, until either ends.
async fn outward(
    mut from: impl Stream<Item = Result<Message, Error>> + Unpin,
    mut backs: mpsc::Receiver<Message>,
    to: &mut (impl Sink<Message> + Unpin),
    injected: &Injected,
) -> End {
    loop {
        let message = tokio::select! {
            message = from.next() => readable(message).map(|message| starred(message, injected)),
            message = backs.recv() => message.ok_or(End::Gone),
        };
        let sent = match message {
            Ok(message) => pass(message, to).await,
            Err(end) => Err(end),
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

fn readable(message: Option<Result<Message, Error>>) -> Result<Message, End> {
    match message {
        Some(Ok(message)) => Ok(message),
        Some(Err(Error::Capacity(_))) => Err(End::TooLarge),
        Some(Err(_)) | None => Err(End::Gone),
    }
}

/// Sends a message on, as long as the tunnel goes on. Pings are answered by the library, on either side.
async fn pass(message: Message, to: &mut (impl Sink<Message> + Unpin)) -> Result<(), End> {
    match message {
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        Message::Close(frame) => {
            let _ = to.send(Message::Close(frame)).await;
            Err(End::Goodbye)
        }
        message @ (Message::Text(_) | Message::Binary(_)) => to.send(message).await.map_err(|_| End::Gone),
    }
}

/// A tool's message as the visitor shall see it.
fn starred(message: Message, injected: &Injected) -> Message {
    let redact = |bytes: Bytes| {
        let Some(mut redactor) = injected.redactor() else { return bytes };
        let mut whole = BytesMut::from(redactor.push(bytes));
        whole.extend_from_slice(&redactor.finish());
        whole.freeze()
    };
    match message {
        // Stars are ASCII and stand for whole letters, so a text stays one.
        Message::Text(text) => Message::Text(Utf8Bytes::try_from(redact(text.into())).unwrap_or_default()),
        Message::Binary(bytes) => Message::Binary(redact(bytes)),
        Message::Close(Some(CloseFrame { code, reason })) => {
            let reason = Utf8Bytes::try_from(redact(reason.into())).unwrap_or_default();
            Message::Close(Some(CloseFrame { code, reason }))
        }
        other => other,
    }
}

/// Answers to unreadable messages that wait for their turn.
const BACKLOG: usize = 4;
/// aria2's own answer to what is no call (JSON-RPC 2.0 §5.1).
const UNREADABLE: &str = r#"{"id":null,"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error."}}"#;
