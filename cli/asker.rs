//! Whoever answers requests: a running engine over its socket, or one in this process. And every way a command fails.

use crate::arguments::Place;
use drawbridge_engine::{Client, ClientError, Engine, HomeError, StartError};
use drawbridge_protocol::{Problem, ProblemKind, Request};
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
    /// The engine said no, or something failed: one clear sentence.
    Refused(String),
    /// The same, because there is no local network.
    NoNetwork(String),
    /// No engine runs for this home.
    NotRunning(String),
    /// The words of the command do not fit together.
    Usage(String),
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

    /// Asks; the reply as a model.
    pub(crate) async fn ask<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, Failure> {
        let value = self.value(request).await?;
        serde_json::from_value(value).map_err(|error| Failure::Refused(error.to_string()))
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

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(sentence)
            | Self::NoNetwork(sentence)
            | Self::NotRunning(sentence)
            | Self::Usage(sentence) => {
                write!(formatter, "drawbridge: {sentence}")
            }
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::NotRunning(_) => Self::NotRunning(error.to_string()),
            ClientError::Broken(_) | ClientError::Strange(_) | ClientError::Refused(_) => {
                Self::Refused(error.to_string())
            }
        }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        match problem.kind {
            ProblemKind::NoNetwork => Self::NoNetwork(problem.detail),
            _ => Self::Refused(problem.detail),
        }
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
