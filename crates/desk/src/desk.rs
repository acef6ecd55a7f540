//! The engine's whole state as this process knows it, and the link to the engine.
//!
//! Everything arrives as events and leaves as requests; nothing is worked out here.

use crate::services::{Clipboard, Kind, browse};
use drawbridge_engine::{Configuration, Link};
use drawbridge_protocol::{Event, Problem, ProblemKind, Request, Whole};
use drawbridge_texts::{Sentence, Tell, Words};
use serde::Serialize;
use serde_json::Value;
use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, broadcast, watch},
    time::timeout,
};

/// The engine as seen from here.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum EngineState {
    /// Being started, or asked whether it runs.
    Starting,
    /// It answers; `here` means it ends with this process.
    Running {
        /// In this process.
        here: bool,
    },
    /// It could not be started, or stopped.
    Gone {
        /// Why, and what to do.
        message: String,
    },
}

/// Everything tray and window show.
#[derive(Clone, Debug)]
pub struct View {
    /// The engine.
    pub engine: EngineState,
    /// Nothing is known while the engine is away.
    pub whole: Option<Whole>,
}

/// Shared by tray, window and the task that follows the engine.
pub struct Desk {
    configuration: Configuration,
    words: Words,
    link: Mutex<Option<Arc<Link>>>,
    view: watch::Sender<View>,
    events: broadcast::Sender<Value>,
    start: Notify,
    clipboard: Clipboard,
}

impl Desk {
    /// A desk for the engine this configuration names; [`follow`] brings it to life.
    #[must_use]
    pub fn new(configuration: Configuration, words: Words) -> Self {
        let view = View { engine: EngineState::Starting, whole: None };
        let (link, start) = (Mutex::new(None), Notify::new());
        let (view, events) = (watch::Sender::new(view), broadcast::Sender::new(EVENTS));
        Self { configuration, words, link, view, events, start, clipboard: Clipboard::default() }
    }

    /// What speaks to the owner.
    #[must_use]
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The view, and a sign whenever it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// Everything so far as events, and every event from there on.
    #[must_use]
    pub fn listen(&self) -> (Vec<Value>, broadcast::Receiver<Value>) {
        // While the view is borrowed nothing is sent, so nothing is missed and nothing comes twice.
        let view = self.view.borrow();
        let mut known = vec![engine_event(&view.engine)];
        known.extend(view.whole.clone().map(|whole| json(&Event::from(whole))));
        (known, self.events.subscribe())
    }

    /// Asks the engine.
    ///
    /// # Errors
    /// The engine's own, or that it is away.
    pub async fn ask(&self, request: Request) -> Result<Value, Problem> {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match link {
            Some(link) => link.request(request).await,
            None => Err(self.problem(&Sentence::new("tray-engine-away"))),
        }
    }

    /// Puts a text on the clipboard, off the threads that requests need: a display may take its time.
    ///
    /// # Errors
    /// When there is no clipboard.
    pub async fn copy(&self, text: String, kind: Kind) -> Result<(), Problem> {
        let clipboard = self.clipboard.clone();
        let done = tokio::task::spawn_blocking(move || clipboard.copy(text, kind)).await;
        let failed = |error: &dyn Display| {
            self.problem(&Sentence::new("tray-copy-failed").with("cause", error.to_string()))
        };
        done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }

    /// Opens a web address in the browser, likewise.
    ///
    /// # Errors
    /// When it is none, or no browser is found.
    pub async fn browse(&self, address: String) -> Result<(), Problem> {
        let done = tokio::task::spawn_blocking(move || browse(&address)).await;
        let failed = |error: &dyn Display| {
            self.problem(&Sentence::new("tray-browse-failed").with("cause", error.to_string()))
        };
        done.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }

    /// A failure of the shell's own.
    #[must_use]
    pub fn problem(&self, sentence: &Sentence) -> Problem {
        let (detail, message) = (self.words.terminal(sentence), self.words.whole(sentence));
        Problem { kind: ProblemKind::Failed, detail, message }
    }

    /// Starts the engine again after it went away.
    pub fn start(&self) {
        self.start.notify_one();
    }

    /// Ends an engine of this process: every door closes, levels stay for the next start.
    pub async fn end(&self) {
        let link = self.link.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut link) = link else { return };
        // A request on its way still holds it; nothing waits for long.
        for _ in 0..ENDING {
            match Arc::try_unwrap(link) {
                Ok(link) => return link.end().await,
                Err(shared) => link = shared,
            }
            tokio::time::sleep(PAUSE / 20).await;
        }
    }

    fn forget_wish(&self) {
        let mut wish = std::pin::pin!(self.start.notified());
        // Made ready by a wish that was kept, and then dropped with it.
        let _ = wish.as_mut().enable();
    }

    fn set_link(&self, link: Option<Arc<Link>>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    fn tell(&self, engine: EngineState) {
        self.view.send_modify(|view| {
            if !matches!(engine, EngineState::Running { .. }) {
                view.whole = None;
            }
            let _ = self.events.send(engine_event(&engine));
            view.engine = engine;
        });
    }

    fn apply(&self, event: Event) {
        self.view.send_modify(|view| {
            let _ = self.events.send(json(&event));
            match (&mut view.whole, event) {
                (Some(whole), event) => whole.apply(event),
                (
                    none,
                    Event::State { status, users, sessions, tokens, invites, approvals, devices, passes },
                ) => {
                    *none =
                        Some(Whole { status, users, sessions, tokens, invites, approvals, devices, passes });
                }
                (None, _) => {}
            }
        });
    }

    /// Waits for the owner's wish, or for an engine that somebody else started.
    async fn next_start(&self) -> Option<Link> {
        loop {
            tokio::select! {
                () = self.start.notified() => return None,
                () = tokio::time::sleep(PAUSE) => {}
            }
            if let Some(link) = Link::attach(&self.configuration).await {
                return Some(link);
            }
        }
    }
}

/// Keeps the view true for as long as the process runs.
pub async fn follow(desk: Arc<Desk>) {
    let mut found = None;
    loop {
        desk.tell(EngineState::Starting);
        let begun = match found.take() {
            Some(link) => Ok(link),
            None => Link::begin(desk.configuration.clone()).await,
        };
        let message = match begun {
            Ok(link) => {
                listen(&desk, Arc::new(link)).await;
                // A stream that broke off is not an engine that is gone.
                found = Link::attach(&desk.configuration).await;
                if found.is_some() {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
                desk.words.whole(&Sentence::new("tray-engine-gone"))
            }
            Err(error) => desk.words.whole(&error.sentence()),
        };
        // A wish from before this end was for another time.
        desk.forget_wish();
        desk.tell(EngineState::Gone { message });
        found = desk.next_start().await;
    }
}

async fn listen(desk: &Desk, link: Arc<Link>) {
    let here = link.is_here();
    // At once: whoever wants to close everything need not wait until everything is known.
    desk.set_link(Some(Arc::clone(&link)));
    if let Ok(Ok(mut changes)) = timeout(FIRST, link.events()).await {
        desk.tell(EngineState::Running { here });
        while let Some(event) = changes.next().await {
            desk.apply(event);
        }
    }
    desk.set_link(None);
}

fn engine_event(engine: &EngineState) -> Value {
    let mut event = json(engine);
    if let Value::Object(fields) = &mut event {
        fields.insert("event".to_owned(), "engine".into());
    }
    event
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// How long an engine may take to tell everything (chosen: less than anybody waits, more than a busy one needs).
const FIRST: Duration = Duration::from_secs(15);
/// Pause before listening again to an engine whose stream broke off.
const AGAIN: Duration = Duration::from_millis(500);
/// Events a window may fall behind before it gets the whole state again.
const EVENTS: usize = 256;
/// Pause between looks for an engine somebody else started.
const PAUSE: Duration = Duration::from_secs(2);
/// Looks, each a twentieth of that apart, for the end of the last requests: two seconds.
const ENDING: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use drawbridge_engine::{Clock, Home, KeyringChoice, Lan};
    use drawbridge_texts::{Language, Texts};
    use std::{net::Ipv4Addr, path::Path};

    fn desk(folder: &Path) -> Arc<Desk> {
        let language = Language::accepted("en");
        let configuration = Configuration {
            home: Home::find(Some(&folder.join("home"))).unwrap(),
            keyring: KeyringChoice::PassphraseFile(folder.join("passphrase")),
            lan: Lan::Given(vec![Ipv4Addr::LOCALHOST.into()]),
            clock: Clock::system(),
            language: language.clone(),
            first_user: None,
        };
        Arc::new(Desk::new(configuration, Words::new(Arc::new(Texts::new()), language)))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_home_that_cannot_be_used_is_said_and_tried_again_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("home"), "not a folder").unwrap();
        let desk = desk(folder.path());
        let mut view = desk.watch();
        let task = tokio::spawn(follow(Arc::clone(&desk)));
        let gone =
            view.wait_for(|view| matches!(view.engine, EngineState::Gone { .. })).await.unwrap().clone();
        let EngineState::Gone { message } = gone.engine else { unreachable!("just matched") };
        assert!(message.starts_with("The home folder") && message.ends_with('.'), "{message}");
        let refused = desk.ask(Request::Status).await.unwrap_err();
        assert_eq!(refused.kind, ProblemKind::Failed);
        std::fs::remove_file(folder.path().join("home")).unwrap();
        desk.start();
        view.wait_for(|view| view.whole.is_some()).await.unwrap();
        desk.ask(Request::Status).await.unwrap();
        desk.end().await;
        task.abort();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_listener_gets_everything_first_and_then_each_change_once() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let task = tokio::spawn(follow(Arc::clone(&desk)));
        desk.watch().wait_for(|view| view.whole.is_some()).await.unwrap();
        let (known, mut events) = desk.listen();
        let kinds: Vec<&str> = known.iter().filter_map(|event| event["event"].as_str()).collect();
        assert_eq!(kinds, ["engine", "state"]);
        assert_eq!((&known[0]["state"], &known[0]["here"]), (&"running".into(), &true.into()));
        let add = serde_json::json!({ "request": "tool-add", "name": "Notebook", "target": "9" });
        desk.ask(serde_json::from_value(add).unwrap()).await.unwrap();
        let event = events.recv().await.unwrap();
        assert_eq!((&event["event"], &event["tool"]["name"]), (&"tool".into(), &"Notebook".into()));
        desk.end().await;
        task.abort();
    }
}
