//! What the shells (window, tray, command line) and the engine say to each other.
//!
//! Plain data only: requests, replies, events and the models inside them. Nothing here decides anything. The
//! transport is HTTP/1.1 with JSON on the control socket: `POST /v1/request` carries one [`Request`] and answers
//! the request's own reply shape, or a [`Problem`]; `GET /v1/events` answers [`Event`]s as NDJSON, the whole state
//! first. `docs/cli.md` documents every shape.

mod event;
mod model;
mod request;
mod secret;
mod whole;

pub use event::Event;
pub use model::{
    Approval, Certificate, CertificateKind, Device, Door, DoorState, Fix, Headline, Invite, InviteCreated,
    Level, Pass, PassCreated, PassDevice, Passkey, PasswordJudgement, PlainHttp, Problem, ProblemKind,
    RecoveryCodes, Session, SessionKind, Status, Token, TokenCreated, Tool, TotpBegun, Trouble, Url, User,
    UserCreated, Visitor,
};
pub use request::{
    NetworkTarget, PassCreate, Reach, Request, SecretField, SecretPlace, SecretSet, Surroundings,
    TokenCreate, ToolAdd, ToolSet, UserAdd, UserImport, UserInvite, UserSet, WithoutPassword,
};
pub use secret::Secret;
pub use whole::Whole;

/// Path on the control socket that takes one [`Request`] as JSON.
pub const REQUEST_PATH: &str = "/v1/request";
/// Path on the control socket that streams [`Event`]s as NDJSON.
pub const EVENTS_PATH: &str = "/v1/events";
/// The query with which it is asked for by a shell the owner sits at.
pub const DESK: &str = "desk";
