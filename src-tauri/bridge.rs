//! The one command of the window: a request for the engine, or a service of the shell.

use drawbridge_desk::{Desk, Kind, Pending};
use drawbridge_protocol::{Problem, ProblemKind, Request};
use drawbridge_texts::Sentence;
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use tauri::{
    Manager, State, WebviewWindow,
    ipc::{Channel, JavaScriptChannelId},
};
use tokio::sync::{broadcast::error::RecvError, watch};

/// What the shell itself does for the window.
#[derive(Deserialize)]
#[serde(tag = "shell", rename_all = "kebab-case")]
enum Service {
    /// Every event from now on, the whole state first, on the channel.
    Listen,
    /// Puts a text on the clipboard.
    Copy {
        /// The text.
        text: String,
        /// Not for programs that keep what was copied.
        #[serde(default)]
        secret: bool,
    },
    /// Opens an address in the browser.
    Browse {
        /// `http` or `https`.
        url: String,
    },
    /// Starts the engine again.
    Start,
    /// The page asks whether the window may close.
    Asking,
    /// Closes the window although no tray would bring it back.
    CloseWindow,
}

/// Carries out one message of the window.
#[tauri::command]
pub(crate) async fn ask(
    window: WebviewWindow,
    desk: State<'_, Arc<Desk>>,
    message: Value,
    channel: Option<JavaScriptChannelId>,
) -> Result<Value, Problem> {
    if message.get("request").is_some() {
        let request: Request =
            serde_json::from_value(message).map_err(|error| not_understood(&desk, &error))?;
        return desk.ask(request).await;
    }
    match serde_json::from_value(message).map_err(|error| not_understood(&desk, &error))? {
        Service::Listen => {
            if let Some(channel) = channel {
                let channel = channel.channel_on(window.as_ref().clone());
                let listener = window.state::<Pending>().listener();
                tauri::async_runtime::spawn(pass_on(window, Arc::clone(&desk), channel, listener));
            }
        }
        Service::Copy { text, secret } => {
            let kind = if secret { Kind::Secret } else { Kind::Open };
            desk.copy(text, kind).await?;
        }
        Service::Browse { url } => desk.browse(url).await?,
        Service::Start => desk.start(),
        Service::Asking => window.state::<Pending>().answered(),
        Service::CloseWindow => {
            let _ = window.destroy();
        }
    }
    Ok(Value::Null)
}

/// Passes events to the window until it is gone or listens anew.
async fn pass_on(
    window: WebviewWindow,
    desk: Arc<Desk>,
    channel: Channel<Value>,
    (mut asked, turn): (watch::Receiver<Option<Value>>, u64),
) {
    let pending = window.state::<Pending>();
    let (mut known, mut events) = desk.listen();
    loop {
        for event in known.drain(..) {
            if channel.send(event).is_err() {
                return;
            }
        }
        if !pending.is_turn(turn) {
            return;
        }
        tokio::select! {
            changed = asked.changed() => {
                if changed.is_err() {
                    return;
                }
                known.extend(pending.take());
            }
            event = events.recv() => match event {
                Ok(event) => known.push(event),
                // Too far behind: everything again.
                Err(RecvError::Lagged(_)) => (known, events) = desk.listen(),
                Err(RecvError::Closed) => return,
            },
        }
    }
}

fn not_understood(desk: &Desk, error: &serde_json::Error) -> Problem {
    Problem {
        kind: ProblemKind::Invalid,
        ..desk.problem(&Sentence::new("tray-not-understood").quoting("cause", error))
    }
}
