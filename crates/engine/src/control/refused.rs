//! Refusals that belong to one noun of the control path: each noun has its own, and they meet here.

use super::{
    ControlError, anybody::BadAnybody, approvals::BadApproval, invites::BadInvite, passes::BadPass,
    tokens::BadToken,
};
use drawbridge_protocol::ProblemKind;
use drawbridge_texts::{Sentence, Tell};

/// One noun's refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Anybody(BadAnybody),
    #[error(transparent)]
    Approval(BadApproval),
    #[error(transparent)]
    Invite(BadInvite),
    #[error(transparent)]
    Pass(BadPass),
    #[error(transparent)]
    Token(BadToken),
}

impl Tell for Refused {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Anybody(error) => error.sentence(),
            Self::Approval(error) => error.sentence(),
            Self::Invite(error) => error.sentence(),
            Self::Pass(error) => error.sentence(),
            Self::Token(error) => error.sentence(),
        }
    }
}

impl Refused {
    /// What shells make of it.
    pub(super) fn kind(&self) -> ProblemKind {
        match self {
            Self::Anybody(error) => error.kind(),
            Self::Approval(error) => error.kind(),
            Self::Invite(error) => error.kind(),
            Self::Pass(error) => error.kind(),
            Self::Token(error) => error.kind(),
        }
    }
}

macro_rules! refused_from {
    ($($noun:ident($error:ty)),*) => {$(
        impl From<$error> for ControlError {
            fn from(error: $error) -> Self {
                Self::Refused(Refused::$noun(error))
            }
        }
    )*};
}

refused_from!(Anybody(BadAnybody), Approval(BadApproval), Invite(BadInvite), Pass(BadPass), Token(BadToken));
