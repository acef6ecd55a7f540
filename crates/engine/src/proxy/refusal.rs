//! The table of every way to say no: status, words, whose fault, how loud. The one place where each is decided.

use hyper::StatusCode;
use std::time::Duration;

/// A way to say no.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// The request can be read in two ways, or in none.
    BadRequest,
    /// A method that is never forwarded.
    Method,
    /// An `Expect` we do not know.
    Expectation,
    /// Host or SNI name no door of ours: no page, no hint.
    Stranger,
    /// The connection was made for another host.
    Misdirected,
    /// Nobody is signed in.
    SignInNeeded,
    /// The credential opens nothing.
    WrongCredential,
    /// The password is right, but the account has a second factor, so programs need a token.
    TokenNeeded,
    /// The password was right, and a code is missing that goes with it.
    CodeNeeded,
    /// The password is right, and the owner has to let this device in first.
    ApprovalPending,
    /// The same, and the owner is not asked before so long.
    ApprovalLater(Duration),
    /// The account waits after a failure.
    Wait(Duration),
    /// Signed in, but not for this tool.
    NotForYou,
    /// A guest who may only look wanted more.
    ReadOnly,
    /// Another site made the browser send this.
    CrossSite,
    /// A code that is used, old, or of another browser.
    StaleCode,
    /// The link of an invite that is wrong, used, over or revoked.
    StaleInvite,
    /// The link of a pass that is wrong, used on another device, over or revoked.
    StalePass,
    /// No such page of ours.
    NoSuchPage,
    /// A form that is too long or too slow.
    TooMuch,
    /// A new password that may not be used.
    BadPassword,
    /// Not what the API expects.
    BadCall,
    /// A refresh token that another request used a moment ago.
    JustReplaced,
    /// The visitor stopped in the middle of an upload.
    Silent,
    /// The tool does not listen.
    ToolDown,
    /// Another user's program listens where the tool was.
    ToolForeign,
    /// The tool's answer makes no sense.
    ToolBroken,
    /// The tool did not answer in time.
    ToolSlow,
    /// Too many at once.
    Busy,
    /// The proxy before the door does not say who the visitor is, or not that the way to it is safe.
    Front,
    /// This computer failed.
    Internal,
    /// The permit was withdrawn while the request ran.
    Withdrawn,
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The visitor's.
    Visitor,
    /// The tool's.
    Tool,
    /// Ours.
    Us,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) status: StatusCode,
    /// Name of the texts in the language files, and last part of the problem document's type.
    pub(crate) text: &'static str,
    pub(crate) fault: Fault,
    /// Whether a person gets a page and a program a document; otherwise the status alone.
    pub(crate) explained: bool,
}

impl Refusal {
    /// The row of this refusal.
    pub(crate) fn row(self) -> Row {
        use Fault::{Tool, Us, Visitor};
        let (status, text, fault, explained) = match self {
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", Visitor, false),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method", Visitor, false),
            Self::Expectation => (StatusCode::EXPECTATION_FAILED, "expectation", Visitor, false),
            Self::Stranger => (StatusCode::BAD_REQUEST, "stranger", Visitor, false),
            Self::Misdirected => (StatusCode::MISDIRECTED_REQUEST, "misdirected", Visitor, false),
            Self::SignInNeeded => (StatusCode::UNAUTHORIZED, "sign-in-needed", Visitor, true),
            Self::WrongCredential => (StatusCode::UNAUTHORIZED, "wrong-credential", Visitor, true),
            Self::TokenNeeded => (StatusCode::UNAUTHORIZED, "token-needed", Visitor, true),
            Self::CodeNeeded => (StatusCode::UNAUTHORIZED, "code-needed", Visitor, true),
            Self::ApprovalPending => (StatusCode::FORBIDDEN, "approval-pending", Visitor, true),
            Self::ApprovalLater(_) => (StatusCode::FORBIDDEN, "approval-later", Visitor, true),
            Self::Wait(_) => (StatusCode::TOO_MANY_REQUESTS, "wait", Visitor, true),
            Self::NotForYou => (StatusCode::FORBIDDEN, "not-for-you", Visitor, true),
            Self::ReadOnly => (StatusCode::FORBIDDEN, "read-only", Visitor, true),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross-site", Visitor, true),
            Self::StaleCode => (StatusCode::FORBIDDEN, "stale-code", Visitor, true),
            Self::StaleInvite => (StatusCode::FORBIDDEN, "stale-invite", Visitor, true),
            Self::StalePass => (StatusCode::FORBIDDEN, "stale-pass", Visitor, true),
            Self::NoSuchPage => (StatusCode::NOT_FOUND, "no-such-page", Visitor, true),
            Self::TooMuch => (StatusCode::PAYLOAD_TOO_LARGE, "too-much", Visitor, true),
            Self::BadPassword => (StatusCode::BAD_REQUEST, "bad-password", Visitor, true),
            Self::BadCall => (StatusCode::BAD_REQUEST, "bad-call", Visitor, true),
            Self::JustReplaced => (StatusCode::CONFLICT, "just-replaced", Visitor, true),
            Self::Silent => (StatusCode::REQUEST_TIMEOUT, "silent", Visitor, true),
            Self::ToolDown => (StatusCode::BAD_GATEWAY, "tool-down", Tool, true),
            Self::ToolForeign => (StatusCode::BAD_GATEWAY, "tool-down", Tool, true),
            Self::ToolBroken => (StatusCode::BAD_GATEWAY, "tool-broken", Tool, true),
            Self::ToolSlow => (StatusCode::GATEWAY_TIMEOUT, "tool-slow", Tool, true),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", Us, true),
            Self::Front => (StatusCode::BAD_GATEWAY, "front", Us, true),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", Us, true),
            Self::Withdrawn => (StatusCode::FORBIDDEN, "withdrawn", Visitor, true),
        };
        Row { status, text, fault, explained }
    }

    /// Seconds for `Retry-After`, rounded up.
    pub(crate) fn retry_after(self) -> Option<u64> {
        match self {
            Self::Wait(left) | Self::ApprovalLater(left) => {
                Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
            }
            Self::Busy => Some(2),
            Self::ToolDown | Self::ToolForeign => Some(5),
            Self::BadRequest
            | Self::Method
            | Self::Expectation
            | Self::Stranger
            | Self::Misdirected
            | Self::SignInNeeded
            | Self::WrongCredential
            | Self::TokenNeeded
            | Self::CodeNeeded
            | Self::ApprovalPending
            | Self::NotForYou
            | Self::ReadOnly
            | Self::CrossSite
            | Self::StaleCode
            | Self::StaleInvite
            | Self::StalePass
            | Self::NoSuchPage
            | Self::TooMuch
            | Self::BadPassword
            | Self::BadCall
            | Self::JustReplaced
            | Self::Silent
            | Self::ToolBroken
            | Self::ToolSlow
            | Self::Front
            | Self::Internal
            | Self::Withdrawn => None,
        }
    }
}
