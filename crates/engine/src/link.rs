//! The engine of a home, wherever it runs: in this process, or in another that got there first.
//!
//! What a desktop shell needs and a terminal command does not: it attaches to the engine that runs, starts one
//! where none does, and listens the same way to both.

use crate::{
    client::{Client, ClientError, Events},
    control::Control,
    engine::{Configuration, Engine, StartError},
    home::{Home, HomeError},
    identity::approval::Desk,
};
use drawbridge_protocol::{Event, Problem, ProblemKind, Request};
use drawbridge_texts::{Tell, Texts, Words};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::Instant,
};

/// The engine of a home.
pub enum Link {
    /// In this process, and ending with it.
    Here(Box<Engine>),
    /// In another process.
    Elsewhere(Elsewhere),
}

/// How to reach the engine of another process.
pub struct Elsewhere {
    home: Home,
    words: Words,
}

impl Link {
    /// Starts the engine of this home, or attaches to the one that runs. A running one that does not answer yet is
    /// given some time; one that ends meanwhile makes room for ours.
    ///
    /// # Errors
    /// As [`Engine::start`]; [`HomeError::Running`] when the running one gave no answer.
    pub async fn begin(configuration: Configuration) -> Result<Self, StartError> {
        let deadline = Instant::now() + ANSWER;
        loop {
            match Engine::start_at_desk(configuration.clone()).await {
                Ok(engine) => return Ok(Self::Here(Box::new(engine))),
                Err(StartError::Home(HomeError::Running(path))) => {
                    if let Some(link) = Self::attach(&configuration).await {
                        return Ok(link);
                    }
                    if Instant::now() >= deadline {
                        return Err(StartError::Home(HomeError::Running(path)));
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Attaches to the engine that runs for this home; nothing where none answers.
    pub async fn attach(configuration: &Configuration) -> Option<Self> {
        let home = configuration.home.clone();
        Client::connect(&home).await.ok()?;
        let words = Words::new(Arc::new(Texts::new()), configuration.language.clone());
        Some(Self::Elsewhere(Elsewhere { home, words }))
    }

    /// Whether it ends with this process.
    #[must_use]
    pub const fn is_here(&self) -> bool {
        matches!(self, Self::Here(_))
    }

    /// Carries out a request.
    ///
    /// # Errors
    /// A problem with its sentence for the owner.
    pub async fn request(&self, request: Request) -> Result<serde_json::Value, Problem> {
        match self {
            Self::Here(engine) => engine.request(request).await,
            Self::Elsewhere(elsewhere) => {
                elsewhere.request(&request).await.map_err(|error| elsewhere.problem(error))
            }
        }
    }

    /// The whole state, and every change from there on.
    ///
    /// # Errors
    /// When the engine is gone or going.
    pub async fn events(&self) -> Result<Changes, Problem> {
        match self {
            Self::Here(engine) => engine.events().await,
            Self::Elsewhere(elsewhere) => elsewhere.events().await.map_err(|error| elsewhere.problem(error)),
        }
    }

    /// Ends an engine of this process, closing its doors; one elsewhere goes on.
    pub async fn end(self) {
        if let Self::Here(engine) = self {
            engine.stop().await;
        }
    }
}

impl Elsewhere {
    async fn request(&self, request: &Request) -> Result<serde_json::Value, ClientError> {
        Client::connect(&self.home).await?.request(request).await
    }

    async fn events(&self) -> Result<Changes, ClientError> {
        let events = Client::connect(&self.home).await?.events_at_desk().await?;
        Ok(Changes { source: Source::Far(events), _desk: None })
    }

    fn problem(&self, error: ClientError) -> Problem {
        match error {
            ClientError::Refused(problem) => problem,
            other => {
                let sentence = other.sentence();
                let (detail, message) = (self.words.terminal(&sentence), self.words.whole(&sentence));
                Problem { kind: ProblemKind::Failed, detail, message }
            }
        }
    }
}

/// The event stream of an engine, near or far.
pub struct Changes {
    source: Source,
    /// The desk that listens, where the owner sits.
    _desk: Option<Desk>,
}

enum Source {
    Near { next: Option<Box<Event>>, changes: broadcast::Receiver<Event>, control: Control },
    Far(Events),
}

impl Changes {
    /// Listens to the engine of this process, for a desk or for somebody else.
    pub(crate) async fn near(control: Control, desk: Option<Desk>) -> Result<Self, Problem> {
        let (whole, changes) = control.listen().await?;
        Ok(Self { source: Source::Near { next: Some(Box::new(whole)), changes, control }, _desk: desk })
    }

    /// The next event: the whole state first, and again after this listener fell behind. Nothing when the engine
    /// stopped, or what came from it made no sense.
    pub async fn next(&mut self) -> Option<Event> {
        match &mut self.source {
            Source::Far(events) => events.next().await.ok().flatten(),
            Source::Near { next, changes, control } => {
                if let Some(event) = next.take() {
                    return Some(*event);
                }
                match changes.recv().await {
                    Ok(event) => Some(event),
                    Err(RecvError::Lagged(_)) => {
                        let (whole, fresh) = control.listen().await.ok()?;
                        *changes = fresh;
                        Some(whole)
                    }
                    Err(RecvError::Closed) => None,
                }
            }
        }
    }
}

/// How long a running engine may take to answer (chosen: its keyring may show a dialog, which it gives 30 s).
const ANSWER: Duration = Duration::from_secs(40);
/// Pause between tries.
const PAUSE: Duration = Duration::from_millis(200);
