//! Whoever answers requests: a running engine over its socket, or one in this process. And every way a command fails.

use crate::place::Place;
use drawbridge_engine::{Client, ClientError, Engine, HomeError, StartError};
use drawbridge_protocol::{Problem, ProblemKind, Request};
use drawbridge_texts::{Sentence, Tell};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;

/// An engine, near or far.
pub(crate) enum Asker {
    /// In another process.
    Client(Client),
    /// In this one.
    Engine(Box<Engine>),
}

/// Why a command failed.
pub(crate) enum Failure {
    /// The engine said no, or something failed.
    Refused(Sentence),
    /// The same, because there is no local network.
    NoNetwork(Sentence),
    /// No engine runs for this home.
    NotRunning(Sentence),
    /// The words of the command do not fit together.
    Usage(Sentence),
}

impl Asker {
    /// Connects to the running engine.
    pub(crate) async fn connect(place: &Place) -> Result<Self, Failure> {
        Ok(Self::Client(Client::connect(&place.home()?).await?))
    }

    /// Asks; the reply as it came.
    pub(crate) async fn value(&mut self, request: Request) -> Result<Value, Failure> {
        match self {
            Self::Client(client) => Ok(client.request(&request).await?),
            Self::Engine(engine) => Ok(engine.request(request).await?),
        }
    }

    /// Waits until an engine in this process ended by itself; one elsewhere is not waited for.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Client(_) => std::future::pending().await,
            Self::Engine(engine) => engine.ended().await,
        }
    }

    /// Asks; the reply as a model.
    pub(crate) async fn ask<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, Failure> {
        let value = self.value(request).await?;
        serde_json::from_value(value).map_err(|error| ClientError::Strange(error).into())
    }
}

impl Failure {
    /// See `main.rs`.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::NoNetwork(_) => 1,
            Self::Usage(_) => 2,
            Self::NotRunning(_) => 3,
        }
    }
}

impl Tell for Failure {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Refused(sentence)
            | Self::NoNetwork(sentence)
            | Self::NotRunning(sentence)
            | Self::Usage(sentence) => sentence.clone(),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning(_) => Self::NotRunning(error.sentence()),
            ClientError::Broken(_) | ClientError::Strange(_) | ClientError::Refused(_) => {
                Self::Refused(error.sentence())
            }
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let sentence = Sentence::new("engine-said").with("text", problem.detail);
        match problem.kind {
            ProblemKind::NoNetwork => Self::NoNetwork(sentence),
            _ => Self::Refused(sentence),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Refused(error.sentence())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Self::Refused(error.sentence())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Refused(Sentence::new("system-failed").quoting("cause", &error))
    }
}
