//! The life of a change. A request comes in from a shell, is planned, saved and synced, published, applied, and told to
//! everyone who listens. One writer does all of it, one request after the other; only *close everything* does not wait.

mod anybody;
mod apply;
mod approvals;
mod certificates;
mod close;
mod doors;
mod error;
mod events;
mod factors;
mod finding;
mod import;
mod injections;
mod invites;
mod levels;
mod new_user;
mod passes;
mod passkeys;
mod passwords;
mod people;
mod plain_http;
mod refused;
mod secrets;
pub(crate) mod server;
mod settings;
mod state;
mod status;
mod tokens;
mod tools;

pub(crate) use error::ControlError;
pub(crate) use finding::Finding;
pub use passwords::FirstUser;
pub(crate) use state::{Beginnings, State};

use crate::{
    identity::{approval, own_account},
    proxy::snapshot::Shared,
};
use apply::OpenDoors;
use drawbridge_protocol::{Event, Problem, ProblemKind, Request};
use drawbridge_texts::{Sentence, Words};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// The way to the writer; clones share it.
#[derive(Clone)]
pub(crate) struct Control {
    requests: mpsc::Sender<Message>,
    open_doors: Arc<OpenDoors>,
    words: Words,
    shared: Arc<Shared>,
}

/// A request and what it rests on.
struct Asked {
    request: Request,
    revision: Option<u64>,
}

enum Message {
    Request(Box<Asked>, oneshot::Sender<Result<Value, ControlError>>),
    Listen(oneshot::Sender<(Event, broadcast::Receiver<Event>)>),
}

impl Control {
    /// Starts the writer; it runs until `stop`.
    pub(crate) fn start(
        state: State,
        wishes: mpsc::Receiver<own_account::Asked>,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (requests, queue) = mpsc::channel(QUEUE);
        let (events, _) = broadcast::channel(EVENTS);
        let shared = Arc::clone(&state.shared);
        let control = Self { requests, open_doors: state.open_doors(), words: state.words.clone(), shared };
        let doors = state.open_doors();
        let writing = tokio::spawn(write(state, queue, wishes, events, stop.clone()));
        (control, tokio::spawn(guard(writing, doors, stop)))
    }

    /// Carries out a request; one that rests on an older revision than the newest is refused.
    pub(crate) async fn request(&self, request: Request, revision: Option<u64>) -> Result<Value, Problem> {
        if matches!(request, Request::Close) {
            // At once, whatever the writer is waiting for (P10); what must be saved follows in its turn.
            self.open_doors.close_all();
        }
        let (answer, answered) = oneshot::channel();
        let is_close = matches!(request, Request::Close);
        let message = Message::Request(Box::new(Asked { request, revision }), answer);
        if is_close {
            // However many wait before it, and even where the caller goes away.
            let requests = self.requests.clone();
            tokio::spawn(async move { requests.send(message).await });
        } else {
            self.requests.try_send(message).map_err(|_| self.busy())?;
        }
        answered.await.map_err(|_| self.busy())?.map_err(|error| error.problem(&self.words))
    }

    /// A shell the owner sits at, for as long as this lives.
    fn desk(&self) -> approval::Desk {
        self.shared.approvals.desk()
    }

    /// Closes every door for good: the engine ends. Levels stay; nothing waits for what the writer is doing.
    pub(crate) fn end(&self) {
        self.open_doors.close_all();
    }

    /// The whole state, and every change from there on.
    pub(crate) async fn listen(&self) -> Result<(Event, broadcast::Receiver<Event>), Problem> {
        let (answer, answered) = oneshot::channel();
        self.requests.try_send(Message::Listen(answer)).map_err(|_| self.busy())?;
        answered.await.map_err(|_| self.busy())
    }

    /// Too much waits, or the engine is stopping.
    fn busy(&self) -> Problem {
        error::problem(&self.words, ProblemKind::Busy, &Sentence::new("busy"))
    }

    /// What came is no request.
    fn invalid(&self, sentence: &Sentence) -> Problem {
        error::problem(&self.words, ProblemKind::Invalid, sentence)
    }
}

/// Waits for the writer. Where it failed nobody could change or close anything any more, so nothing stays open and the
/// engine ends (P4, P10).
async fn guard(writing: tokio::task::JoinHandle<()>, doors: Arc<OpenDoors>, stop: CancellationToken) {
    if let Err(failed) = writing.await {
        tracing::error!(%failed, "the engine failed inside, so everything is closed and it ends");
        doors.close_all();
        stop.cancel();
    }
}

async fn write(
    mut state: State,
    mut queue: mpsc::Receiver<Message>,
    mut wishes: mpsc::Receiver<own_account::Asked>,
    events: broadcast::Sender<Event>,
    stop: CancellationToken,
) {
    let shared = Arc::clone(&state.shared);
    let mut due = Instant::now();
    let mut told = state.picture();
    loop {
        let mut ticked = false;
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Before the queue, so that no flood of requests keeps a timer from closing.
            () = tokio::time::sleep_until(due) => {
                state.tick().await;
                ticked = true;
            }
            message = queue.recv() => match message {
                None => break,
                Some(Message::Request(asked, answer)) => {
                    let result = state.answer(*asked).await;
                    let _ = answer.send(result);
                }
                Some(Message::Listen(answer)) => {
                    tell(&mut told, state.picture(), &events);
                    let _ = answer.send((told.whole(), events.subscribe()));
                }
            },
            () = shared.sign_in.renewals().told() => state.keep_renewals().await,
            Some(asked) = wishes.recv() => match asked {
                own_account::Asked::Change(change) => state.change_own(change).await,
                own_account::Asked::Accept(accept) => state.accept_invite(accept).await,
            },
            () = shared.changed.notified() => {}
        }
        tell(&mut told, state.picture(), &events);
        let next = Instant::now() + state.next_tick();
        // Others never put a tick off; but after one, however long all this took, somebody else has a turn first.
        due = if ticked { next } else { due.min(next) };
    }
    state.stop().await;
}

fn tell(told: &mut events::Picture, now: events::Picture, events: &broadcast::Sender<Event>) {
    for event in told.changes_to(&now) {
        // Without listeners there is nobody to tell.
        let _ = events.send(event);
    }
    *told = now;
}

impl State {
    async fn answer(&mut self, asked: Asked) -> Result<Value, ControlError> {
        let is_close = matches!(asked.request, Request::Close);
        if !is_close && asked.revision.is_some_and(|revision| revision != self.revision) {
            return Err(ControlError::Stale);
        }
        let is_change = asked.request.is_change();
        let result = self.carry_out(asked.request).await;
        if is_change && result.is_ok() {
            self.revision += 1;
        }
        result
    }

    async fn carry_out(&mut self, request: Request) -> Result<Value, ControlError> {
        match request {
            Request::Status => reply(&self.status()),
            Request::ToolAdd(add) => reply(&self.add_tool(&add).await?),
            Request::SecretSet(set) => reply(&self.set_secret(set).await?),
            Request::SecretRemove { tool, secret } => reply(&self.remove_secret(&tool, &secret).await?),
            Request::ToolSet(set) => reply(&self.set_tool(&set).await?),
            Request::ToolRemove { tool } => reply(&self.remove_tool(&tool).await?),
            Request::ToolList => reply(&self.status().tools),
            Request::Level { tool, level, for_seconds } => {
                reply(&self.set_level(&tool, level, for_seconds.map(Duration::from_secs)).await?)
            }
            Request::WithoutPassword(wish) => reply(&self.open_to_anybody(wish).await?),
            Request::WithPassword { tool } => reply(&self.ask_for_password(&tool)?),
            Request::Url { tool } => reply(&self.url(tool.as_deref())?),
            Request::Close => reply(&self.close_everything().await?),
            Request::UserAdd(add) => reply(&self.add_user(add).await?),
            Request::UserPassword { name, password } => reply(&self.set_password(&name, password).await?),
            Request::UserImport(import) => reply(&self.import_users(import).await?),
            Request::PasswordCheck { name, password } => reply(&self.judge_password(name, password.0).await),
            Request::UserSet(set) => reply(&self.set_user(set).await?),
            Request::UserRemove { name } => reply(&self.remove_user(&name).await?),
            Request::UserInvite(invite) => reply(&self.invite(invite).await?),
            Request::UserInvites => reply(&self.invite_models()),
            Request::UserUninvite { id } => reply(&self.uninvite(&id).await?),
            Request::UserTotpBegin { name } => reply(&self.begin_totp(&name)?),
            Request::UserTotpConfirm { name, code } => reply(&self.confirm_totp(&name, &code.0).await?),
            Request::UserTotpRemove { name } => reply(&self.remove_totp(&name).await?),
            Request::UserPasskeys { name } => reply(&self.passkey_models(&name)?),
            Request::UserPasskeyRemove { name, id } => reply(&self.remove_passkey(&name, id).await?),
            Request::UserRecoveryCodes { name } => reply(&self.new_recovery_codes(&name).await?),
            Request::UserList => reply(&self.known_users()?),
            Request::SessionList => reply(&self.session_models()),
            Request::SessionEnd { id } => reply(&self.end_session(&id).await?),
            Request::ApprovalList => reply(&self.approval_models()),
            Request::ApprovalAllow { id, always } => reply(&self.allow(&id, always)?),
            Request::ApprovalRefuse { id } => reply(&self.refuse(&id)?),
            Request::DeviceList => reply(&self.device_models()),
            Request::DeviceForget { id } => reply(&self.forget_device(&id).await?),
            Request::TokenCreate(create) => reply(&self.create_token(create).await?),
            Request::TokenList => reply(&self.token_models()),
            Request::TokenRevoke { id } => reply(&self.revoke_token(&id).await?),
            Request::PassCreate(create) => reply(&self.create_pass(create).await?),
            Request::PassList => reply(&self.pass_models()),
            Request::PassRevoke { id } => reply(&self.revoke_pass(&id).await?),
            Request::CertificateList => reply(&self.certificate_models()),
            Request::CertificateImport { chain_pem, key_pem } => {
                reply(&self.import_certificate(&chain_pem, &key_pem.0).await?)
            }
            Request::CertificateRemove => reply(&self.remove_certificate().await?),
            Request::CertificateRenew => reply(&self.renew_certificates()?),
            Request::CertificateExportCa => reply(&self.export_authority()?),
            Request::SettingsGet { key } => reply(&self.get_setting(key.as_deref())?),
            Request::SettingsSet { key, value } => reply(&self.set_setting(&key, &value).await?),
            Request::RecoveryCreate => reply(&self.create_recovery_code()?.expose()),
            Request::RecoveryUse { code } => reply(&self.use_recovery_code(&code.0).await?),
            Request::Unlock => reply(&self.unlock().await?),
        }
    }
}

fn reply(model: &impl serde::Serialize) -> Result<Value, ControlError> {
    serde_json::to_value(model).map_err(ControlError::Reply)
}

/// Requests waiting at once; beyond that the answer is busy.
const QUEUE: usize = 64;
/// Events a listener may fall behind before it gets the whole state again.
const EVENTS: usize = 256;
/// How often the clock is asked while a timer runs: it may jump, as after a sleep, and a timer that is over must be over.
const TICK: Duration = Duration::from_secs(1);
/// The same in the last second of a pass: its guest shall be out within another one.
const FINE: Duration = Duration::from_millis(250);
/// How often addresses and certificates are looked at while anything is open.
const LOOK: Duration = Duration::from_secs(2);
/// The same while nothing is (measured 2026-11-21: a look wakes threads four times). Raising looks by itself.
const QUIET: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_writer_that_fails_ends_the_engine_and_one_that_ends_does_not() {
        let (doors, stop) = (Arc::new(OpenDoors::default()), CancellationToken::new());
        guard(tokio::spawn(async {}), Arc::clone(&doors), stop.clone()).await;
        assert!(!stop.is_cancelled());
        guard(tokio::spawn(async { panic!("as a library might") }), doors, stop.clone()).await;
        assert!(stop.is_cancelled());
    }
}
