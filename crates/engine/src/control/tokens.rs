//! Tokens for devices and programs, and the key that signs what programs get at the gate.

use super::{ControlError, Finding, State};
use crate::{
    clock::Timestamp,
    identity::{
        jwt::Signer,
        token::{self, MOST_PER_USER, Token, Wish},
    },
    store::database::StoreError,
};
use drawbridge_protocol as model;
use drawbridge_protocol::{ProblemKind, TokenCreate, TokenCreated};
use drawbridge_texts::{Sentence, Tell};
use secrecy::ExposeSecret;
use std::{sync::Arc, time::Duration};

/// Why a token was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadToken {
    /// There is none with this id.
    #[error("no token `{0}`")]
    Unknown(String),
    /// Its name is too long or has control characters.
    #[error("a token's name is too long or has control characters")]
    Name,
    /// Its time is too long, or none.
    #[error("a token's time is out of range")]
    Time,
    /// Its user has too many.
    #[error("a user has at most {0} tokens")]
    TooMany(usize),
}

impl Tell for BadToken {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Unknown(id) => Sentence::new("token-unknown").with("id", id),
            Self::Name => Sentence::new("token-name"),
            Self::Time => Sentence::new("token-time"),
            Self::TooMany(most) => Sentence::new("token-too-many").with("most", *most),
        }
    }
}

impl BadToken {
    /// What shells make of it.
    pub(super) fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown(_) => ProblemKind::Unknown,
            Self::Name | Self::Time => ProblemKind::Invalid,
            Self::TooMany(_) => ProblemKind::Refused,
        }
    }
}

impl State {
    /// Makes a token for a user, to be shown once.
    pub(super) async fn create_token(&mut self, create: TokenCreate) -> Result<TokenCreated, ControlError> {
        self.key()?;
        let user = self.user(&create.user)?.id;
        let tool = match &create.tool {
            Some(tool) => Some(self.known_tool(tool)?.id.clone()),
            None => None,
        };
        let name = create.name.trim();
        if !token::is_name(name) {
            return Err(BadToken::Name.into());
        }
        if create.expires_seconds.is_some_and(|seconds| seconds == 0 || seconds > LONGEST.as_secs()) {
            return Err(BadToken::Time.into());
        }
        let lifetime = create.expires_seconds.map(Duration::from_secs);
        let wish = Wish { user, name: name.to_owned(), tool, lifetime };
        let made = self.shared.tokens.create(wish).await?;
        let (token, text) = made.ok_or(BadToken::TooMany(MOST_PER_USER))?;
        let model = self.token_model(&token);
        let model = model.ok_or_else(|| ControlError::UnknownUser(create.user.clone()))?;
        Ok(TokenCreated { token: model, secret: text })
    }

    /// Revokes a token; what came in through it is out at once.
    pub(super) async fn revoke_token(&mut self, id: &str) -> Result<(), ControlError> {
        match self.shared.tokens.revoke(|token| token.id == id).await? {
            0 => Err(BadToken::Unknown(id.to_owned()).into()),
            _ => {
                self.forget_visitors();
                Ok(())
            }
        }
    }

    /// Every token as shells see it.
    pub(super) fn token_models(&self) -> Vec<model::Token> {
        self.shared.tokens.list().iter().filter_map(|token| self.token_model(token)).collect()
    }

    fn token_model(&self, token: &Arc<Token>) -> Option<model::Token> {
        let user = self.users.iter().find(|user| user.id == token.user)?;
        let tool = token.tool.as_ref().map(|id| {
            let known = self.settings.tools.iter().find(|tool| tool.id == *id);
            known.map_or_else(|| id.to_string(), |tool| tool.name.clone())
        });
        Some(model::Token {
            id: token.id.clone(),
            user: user.name.clone(),
            name: token.name.clone(),
            tool,
            created: token.created.0,
            expires: token.expires.map(|moment| moment.0),
            last_seen: token.last_seen(),
        })
    }

    /// Makes the key for programs' tokens with the first user.
    pub(super) async fn let_programs_sign_in(&mut self) {
        if let Err(error) = self.load_signer().await {
            tracing::warn!(%error, "programs cannot sign in before the next start");
        }
    }

    /// Reads the key programs' tokens are signed with, makes the first one with the first user, or replaces one that is old
    /// or damaged: then programs sign in anew.
    pub(super) async fn load_signer(&mut self) -> Result<(), StoreError> {
        let Ok(key) = self.key.clone() else { return Ok(()) };
        if self.users.is_empty() || self.shared.signer.load().is_some() {
            return Ok(());
        }
        let now = self.shared.clock.timestamp();
        let sealed: Option<Vec<u8>> = self
            .database
            .call(|transaction| {
                let mut rows = transaction.prepare("SELECT value FROM sealed WHERE name = ?1")?;
                rows.query_map([PLACE], |row| row.get(0))?.next().transpose()
            })
            .await?;
        let was_there = sealed.is_some();
        let opened = sealed.and_then(|sealed| key.open(PLACE, &sealed).ok());
        match opened.and_then(|plain| Signer::from_bytes(plain.expose_secret())) {
            Some(signer) => {
                self.shared.signer.store(Some(Arc::new(signer)));
                self.rotate_signer(now).await
            }
            None => {
                if was_there {
                    self.note(Finding::programs_signed_out());
                }
                match Signer::new(now) {
                    Ok(signer) => self.keep_signer(signer).await,
                    Err(error) => {
                        tracing::error!(%error, "programs cannot sign in");
                        Ok(())
                    }
                }
            }
        }
    }

    /// Puts a new key in front where the newest is old.
    pub(super) async fn rotate_signer(&self, now: Timestamp) -> Result<(), StoreError> {
        let Some(signer) = self.shared.signer.load_full() else { return Ok(()) };
        match signer.rotated(now) {
            Ok(Some(next)) => self.keep_signer(next).await,
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "the key for programs' tokens was not replaced");
                Ok(())
            }
        }
    }

    /// Saves a key, then puts it to use: what it signs must be known after a restart.
    async fn keep_signer(&self, signer: Signer) -> Result<(), StoreError> {
        let Ok(key) = &self.key else { return Ok(()) };
        let sealed = match key.seal(PLACE, &signer.to_bytes()) {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::error!(%error, "the key for programs' tokens was not sealed");
                return Ok(());
            }
        };
        self.database
            .call(move |transaction| {
                transaction
                    .execute("INSERT OR REPLACE INTO sealed VALUES (?1, ?2)", (PLACE, sealed))
                    .map(drop)
            })
            .await?;
        self.shared.signer.store(Some(Arc::new(signer)));
        Ok(())
    }
}

/// Where the key is sealed.
const PLACE: &str = "programs/key";
/// Longest life of a token (chosen: ten years; who wants longer leaves the end away).
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);
