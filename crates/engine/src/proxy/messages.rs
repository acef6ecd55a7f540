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
        protocol::{Role, WebSocketConfig},
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
    let config = WebSocketConfig::default()
        .max_message_size(Some(aria2::MOST_BYTES))
        .max_frame_size(Some(aria2::MOST_BYTES))
        .max_write_buffer_size(limits::SEND_BUFFER + aria2::MOST_BYTES);
    let visitor = WebSocketStream::from_raw_socket(TokioIo::new(visitor), Role::Server, Some(config)).await;
    let tool = WebSocketStream::from_raw_socket(TokioIo::new(tool), Role::Client, Some(config)).await;
    let (mut to_visitor, from_visitor) = visitor.split();
    let (mut to_tool, from_tool) = tool.split();
    // What was not understood is answered at once, on the way the tool's own answers take.
    let (back, backs) = mpsc::channel(BACKLOG);
    let inward = inward(from_visitor, &mut to_tool, injected, &back);
    let outward = outward(from_tool, backs, &mut to_visitor, injected);
    // How a tunnel ends is between the two; an end of either direction is the end of both.
    tokio::select! {
        () = inward => {}
        () = outward => {}
    }
    // The side that does not know yet learns that it is over.
    let (visitor, tool) = (to_visitor.close(), to_tool.close());
    let _ = tokio::time::timeout(limits::TUNNEL_END, async { tokio::join!(visitor, tool) }).await;
}

type Received = Option<Result<Message, Error>>;

/// From the visitor to the tool, until either ends.
async fn inward(
    mut from: impl Stream<Item = Result<Message, Error>> + Unpin,
    to: &mut (impl Sink<Message> + Unpin),
    injected: &Injected,
    back: &mpsc::Sender<Message>,
) {
    while let Some(message) = readable(from.next().await) {
        let is_call = message.is_text() || message.is_binary();
        let message = match injected.aria2().filter(|_| is_call) {
            None => Some(message),
            Some(secret) => {
                let call = aria2::message(&message.into_data(), secret).ok();
                call.and_then(|call| String::from_utf8(call).ok()).map(Message::text)
            }
        };
        let sent = match message {
            Some(message) => passes(message, to).await,
            None => back.send(Message::text(UNREADABLE)).await.is_ok(),
        };
        if !sent {
            return;
        }
    }
}

/// From the tool to the visitor, until either ends.
async fn outward(
    mut from: impl Stream<Item = Result<Message, Error>> + Unpin,
    mut backs: mpsc::Receiver<Message>,
    to: &mut (impl Sink<Message> + Unpin),
    injected: &Injected,
) {
    loop {
        let message = tokio::select! {
            message = from.next() => readable(message).map(|message| starred(message, injected)),
            message = backs.recv() => message,
        };
        let Some(message) = message else { return };
        if !passes(message, to).await {
            return;
        }
    }
}

fn readable(message: Received) -> Option<Message> {
    message.and_then(Result::ok)
}

/// Sends a message on; says whether the tunnel goes on. Pings are answered by the library, on either side.
async fn passes(message: Message, to: &mut (impl Sink<Message> + Unpin)) -> bool {
    match message {
        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => true,
        Message::Close(frame) => {
            let _ = to.send(Message::Close(frame)).await;
            false
        }
        message @ (Message::Text(_) | Message::Binary(_)) => to.send(message).await.is_ok(),
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
        other => other,
    }
}

/// Answers to unreadable messages that wait for their turn.
const BACKLOG: usize = 4;
/// aria2's own answer to what is no call (JSON-RPC 2.0 §5.1).
const UNREADABLE: &str = r#"{"id":null,"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error."}}"#;
