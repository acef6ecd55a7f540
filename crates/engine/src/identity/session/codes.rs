//! One-time codes that lead from the gate to a door: good once, for a minute, for one tool, in the browser whose state they
//! name. They never touch the disk.

use super::{Digest, digest};
use crate::{
    random::{self, NoRandomness},
    tools::ToolId,
};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The codes that were not used yet; `T` is what they stand for.
pub(crate) struct Codes<T>(Mutex<HashMap<Digest, Code<T>>>);

struct Code<T> {
    behind: T,
    tool: ToolId,
    state: String,
    expires: Instant,
}

impl<T> Default for Codes<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Codes<T> {
    /// A code; it takes the place of one for the same tool and what `is_same`. Nothing where too many are under way.
    pub(crate) fn issue(
        &self,
        behind: T,
        tool: ToolId,
        state: String,
        is_same: impl Fn(&T) -> bool,
    ) -> Result<Option<String>, NoRandomness> {
        let code = random::token()?;
        let now = Instant::now();
        let mut codes = self.lock();
        codes.retain(|_, code| code.expires > now && !(is_same(&code.behind) && code.tool == tool));
        if codes.len() >= MOST {
            return Ok(None);
        }
        codes.insert(digest(&code), Code { behind, tool, state, expires: now + LIFETIME });
        Ok(Some(code))
    }

    /// Uses a code up, whether or not it is good here.
    pub(crate) fn take(&self, code: &str, tool: &ToolId, state: &str) -> Option<T> {
        let found = self.lock().remove(&digest(code))?;
        let good = found.expires > Instant::now() && found.tool == *tool && found.state == state;
        good.then_some(found.behind)
    }

    /// Ends those for a tool.
    pub(crate) fn forget_tool(&self, tool: &ToolId) {
        self.lock().retain(|_, code| code.tool != *tool);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Code<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a code is good: the time of two redirects (RFC 6749 §4.1.2 allows ten minutes at most).
const LIFETIME: Duration = Duration::from_secs(60);
/// Codes under way at once (chosen: 2 MiB).
const MOST: usize = 8192;
