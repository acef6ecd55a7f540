//! Secrets handed to tools: given by the owner, sealed in the database with the tool they are meant for, named to
//! shells by their place alone. They never leave this computer's database and the requests to their tool.

use super::{ControlError, Finding, State};
use crate::{
    injection::{self, BadInjection, How, Injection},
    secrets::{DataKey, SealError},
    settings::ToolSettings,
    store::database::StoreError,
    tools::ToolId,
};
use drawbridge_protocol::{Fix, Secret, SecretPlace, SecretSet, Tool};
use drawbridge_texts::{Sentence, Tell};
use hyper::header::{AUTHORIZATION, HeaderName};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Why a secret was not taken or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadSecret {
    /// The way to the tool leads over a network, without TLS.
    #[error("`{0}` is on another machine, without TLS")]
    InClear(String),
    /// The tool has none of this name.
    #[error("no secret `{0}`")]
    Unknown(String),
    /// The tool has as many as it may.
    #[error("a tool has at most {0} secrets")]
    TooMany(usize),
}

impl Tell for BadSecret {
    fn sentence(&self) -> Sentence {
        match self {
            Self::InClear(name) => Sentence::new("secret-in-clear").with("name", name),
            Self::Unknown(name) => Sentence::new("secret-unknown").with("name", name),
            Self::TooMany(most) => Sentence::new("secret-too-many").with("most", *most),
        }
    }
}

/// A tool's secret as it lies sealed.
#[derive(Deserialize, Serialize)]
struct Stored {
    how: StoredHow,
    #[serde(serialize_with = "Secret::serialize_exposed")]
    secret: Secret,
    /// The tool it was given for: its address, and its certificate if it has one.
    meant: String,
}

/// Where it goes, in words that stay.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum StoredHow {
    Header(String),
    Query(String),
    Aria2,
}

/// A tool's secret that was opened.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) injection: Injection,
    meant: String,
}

/// The secrets of every tool, by their names.
pub(super) type Injections = BTreeMap<ToolId, BTreeMap<String, Held>>;

impl State {
    /// Gives a tool a secret, or another value for one it has.
    pub(super) async fn set_secret(&mut self, set: SecretSet) -> Result<Tool, ControlError> {
        let tool = self.known_tool(&set.tool)?.clone();
        if !tool.target.keeps_secrets() {
            return Err(BadSecret::InClear(tool.name).into());
        }
        let injection = injection_of(set.place, set.value.0)?;
        let others = self.injections.get(&tool.id).into_iter().flatten();
        let name = name_of(injection.how());
        let others = others.filter(|(other, _)| **other != name);
        if others.count() >= MOST_SECRETS {
            return Err(BadSecret::TooMany(MOST_SECRETS).into());
        }
        let held = Held { injection, meant: tool.meant() };
        self.save_secret(&tool.id, &name, &held).await?;
        self.injections.entry(tool.id.clone()).or_default().insert(name, held);
        self.publish();
        self.tool_model(&tool.id)
    }

    /// Takes a tool's secret away.
    pub(super) async fn remove_secret(&mut self, tool: &str, name: &str) -> Result<Tool, ControlError> {
        let id = self.known_tool(tool)?.id.clone();
        let known = self.injections.get(&id).is_some_and(|held| held.contains_key(name));
        if !known {
            return Err(BadSecret::Unknown(name.to_owned()).into());
        }
        let row = (id.to_string(), name.to_owned());
        self.database
            .call(move |transaction| {
                transaction.execute("DELETE FROM tool_secret WHERE tool = ?1 AND name = ?2", row).map(drop)
            })
            .await?;
        if let Some(held) = self.injections.get_mut(&id) {
            held.remove(name);
        }
        self.publish();
        self.tool_model(&id)
    }

    /// Forgets every secret of a tool.
    pub(super) async fn forget_secrets(&mut self, tool: &ToolId) -> Result<(), ControlError> {
        let row = tool.to_string();
        self.database
            .call(move |transaction| {
                transaction.execute("DELETE FROM tool_secret WHERE tool = ?1", [row]).map(drop)
            })
            .await?;
        self.injections.remove(tool);
        Ok(())
    }

    /// Where the owner gives a tool another address, its secrets go along.
    pub(super) async fn move_secrets(&mut self, tool: &ToolSettings) -> Result<(), ControlError> {
        let Some(mut held) = self.injections.get(&tool.id).cloned() else { return Ok(()) };
        for (name, held) in &mut held {
            held.meant = tool.meant();
            self.save_secret(&tool.id, name, held).await?;
        }
        self.injections.insert(tool.id.clone(), held);
        Ok(())
    }

    /// What is injected into a tool's requests: what was given for it as it is now.
    pub(super) fn injections_of(&self, tool: &ToolSettings) -> Vec<Injection> {
        let held = self.injections.get(&tool.id).into_iter().flatten();
        let meant = tool.meant();
        held.filter(|(_, held)| held.meant == meant).map(|(_, held)| held.injection.clone()).collect()
    }

    /// The names of a tool's secrets.
    pub(super) fn secret_names(&self, tool: &ToolId) -> Vec<String> {
        self.injections.get(tool).into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    /// A secret that was given for another address than a tool has now: the settings were edited.
    pub(super) fn secret_findings(&self) -> impl Iterator<Item = Finding> {
        self.settings.tools.iter().filter_map(|tool| {
            let meant = tool.meant();
            let strays = self.injections.get(&tool.id)?.values().any(|held| held.meant != meant);
            strays.then(|| {
                let what = Sentence::new("trouble-secret-what").with("tool", &tool.name);
                let why = Sentence::new("trouble-secret-why");
                let remedy = Sentence::new("trouble-secret-do");
                Finding::new(what, why, remedy).with(Fix::ShowTool { tool: tool.id.to_string() })
            })
        })
    }

    /// Reads every secret; one that does not open is not there, and the owner is told.
    pub(super) async fn load_secrets(&mut self, key: &DataKey) -> Result<(), StoreError> {
        let rows: Vec<(String, String, Vec<u8>)> = self
            .database
            .call(|transaction| {
                transaction
                    .prepare("SELECT tool, name, sealed FROM tool_secret")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                    .collect()
            })
            .await?;
        self.injections.clear();
        for (tool, name, sealed) in rows {
            let tool = ToolId::stored(tool);
            match open(key, &tool, &name, &sealed) {
                Some(held) => {
                    self.injections.entry(tool).or_default().insert(name, held);
                }
                None => self.note(Finding::new(
                    Sentence::new("trouble-secret-lost-what").with("tool", tool.to_string()),
                    Sentence::new("trouble-secret-lost-why"),
                    Sentence::new("trouble-secret-lost-do").with("tool", tool.to_string()),
                )),
            }
        }
        Ok(())
    }

    async fn save_secret(&self, tool: &ToolId, name: &str, held: &Held) -> Result<(), ControlError> {
        let how = match held.injection.how() {
            How::Header(field) => StoredHow::Header(field.to_string()),
            How::Query(parameter) => StoredHow::Query(parameter.clone()),
            How::Aria2 => StoredHow::Aria2,
        };
        let stored = Stored { how, secret: held.injection.secret().clone(), meant: held.meant.clone() };
        let plain = Zeroizing::new(serde_json::to_vec(&stored).map_err(|_| SealError::DoesNotOpen)?);
        let row = (tool.to_string(), name.to_owned(), self.key()?.seal(&place(tool, name), &plain)?);
        self.database
            .call(move |transaction| {
                transaction.execute("INSERT OR REPLACE INTO tool_secret VALUES (?1, ?2, ?3)", row).map(drop)
            })
            .await?;
        Ok(())
    }
}

/// What the owner said, checked.
fn injection_of(place: SecretPlace, value: Secret) -> Result<Injection, BadInjection> {
    let (how, secret) = match place {
        SecretPlace::Header { name } => {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| BadInjection::Header)?;
            (How::Header(name), value)
        }
        SecretPlace::Basic { user } => (How::Header(AUTHORIZATION), text(&injection::basic(&user, &value)?)?),
        SecretPlace::Bearer => (How::Header(AUTHORIZATION), text(&injection::bearer(&value)?)?),
        SecretPlace::Query { name } => (How::Query(name), value),
        SecretPlace::Aria2 => (How::Aria2, value),
    };
    Injection::new(how, secret)
}

fn text(value: &hyper::header::HeaderValue) -> Result<Secret, BadInjection> {
    value.to_str().map(|text| Secret::new(text.to_owned())).map_err(|_| BadInjection::Letter)
}

/// How a secret is called: by its place, of which a tool has one each.
fn name_of(how: &How) -> String {
    match how {
        How::Header(field) => format!("header:{field}"),
        How::Query(parameter) => format!("query:{parameter}"),
        How::Aria2 => "aria2".to_owned(),
    }
}

fn open(key: &DataKey, tool: &ToolId, name: &str, sealed: &[u8]) -> Option<Held> {
    let plain = key.open(&place(tool, name), sealed).ok()?;
    let Stored { how, secret, meant } = serde_json::from_slice(plain.expose_secret()).ok()?;
    let how = match how {
        StoredHow::Header(field) => How::Header(field.parse().ok()?),
        StoredHow::Query(parameter) => How::Query(parameter),
        StoredHow::Aria2 => How::Aria2,
    };
    let injection = Injection::new(how, secret).ok()?;
    Some(Held { injection, meant })
}

fn place(tool: &ToolId, name: &str) -> String {
    format!("tool secret {tool} {name}")
}

/// Secrets of one tool (chosen: a key, a password and room).
const MOST_SECRETS: usize = 8;
