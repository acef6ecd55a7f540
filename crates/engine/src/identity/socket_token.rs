//! One-time tokens for WebSocket clients that can set no header: two minutes, one tool, one handshake. They never touch the
//! disk, and no tool sees them.

use super::{
    Who,
    session::{Digest, digest},
};
use crate::{
    injection::query,
    random::{self, NoRandomness},
    tools::ToolId,
};
use drawbridge_protocol::{Level, Secret};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use url::form_urlencoded;

/// The tokens that were not used yet; `S` is who asked for one.
pub(crate) struct SocketTokens<S>(Mutex<HashMap<Digest, Entry<S>>>);

struct Entry<S> {
    tool: ToolId,
    level: Level,
    who: Who,
    subject: S,
    expires: Instant,
}

impl<S> Default for SocketTokens<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S> SocketTokens<S> {
    /// A token for one tool at one level; nothing where too many wait.
    pub(crate) fn issue(
        &self,
        tool: &ToolId,
        level: Level,
        who: Who,
        subject: S,
    ) -> Result<Option<Secret>, NoRandomness> {
        let text = random::token()?;
        let now = Instant::now();
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= MOST {
            table.retain(|_, entry| entry.expires > now);
        }
        if table.len() >= MOST {
            return Ok(None);
        }
        // One user's oldest makes room for the newest, so that nobody takes the places of others.
        let own = table.iter().filter(|(_, entry)| entry.who == who);
        if own.clone().count() >= MOST_PER_USER
            && let Some(oldest) = own.min_by_key(|(_, entry)| entry.expires).map(|(hash, _)| *hash)
        {
            table.remove(&oldest);
        }
        let entry = Entry { tool: tool.clone(), level, who, subject, expires: now + LIFETIME };
        table.insert(digest(&text), entry);
        Ok(Some(Secret::new(text)))
    }

    /// Uses a token up, whether or not it is good here.
    pub(crate) fn take(&self, text: &str, tool: &ToolId, level: Level) -> Option<S> {
        let entry = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(text))?;
        let good = entry.expires > Instant::now() && entry.tool == *tool && entry.level == level;
        good.then_some(entry.subject)
    }

    /// Forgets those whose time is over; they hold accounts and sessions that may be gone.
    pub(crate) fn tidy(&self) {
        let now = Instant::now();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, entry| entry.expires > now);
    }
}

/// The token a query names; an empty one where it names several, which is nobody's.
pub(crate) fn named(query: &str) -> Option<Secret> {
    if !query::may_name(query, PARAMETER) {
        return None;
    }
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == PARAMETER);
    let value = values.next()?.1.into_owned();
    Some(Secret::new(if values.next().is_some() { String::new() } else { value }))
}

/// Where it stands in the query.
pub(crate) const PARAMETER: &str = "drawbridge_token";
/// How long it is good.
pub(crate) const LIFETIME: Duration = Duration::from_secs(120);
/// How many of one user wait at once (chosen: more sockets than a page opens in two minutes).
const MOST_PER_USER: usize = 32;
/// How many wait at once (chosen: 4 MiB).
const MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UserId;

    fn tool(name: &str) -> ToolId {
        ToolId::stored(name.to_owned())
    }

    #[test]
    fn good_once_for_one_tool_at_one_level() {
        let tokens = SocketTokens::default();
        let issue =
            |who: u8| tokens.issue(&tool("a"), Level::Lan, Who::User(UserId(1)), who).unwrap().unwrap();
        let text = issue(1);
        assert_eq!(text.expose().len(), 43);
        assert_eq!(tokens.take(text.expose(), &tool("a"), Level::Lan), Some(1));
        assert_eq!(tokens.take(text.expose(), &tool("a"), Level::Lan), None);
        for (at, level) in [("b", Level::Lan), ("a", Level::Internet)] {
            let text = issue(2);
            assert_eq!(tokens.take(text.expose(), &tool(at), level), None);
            assert_eq!(tokens.take(text.expose(), &tool("a"), Level::Lan), None, "used up all the same");
        }
        assert_eq!(tokens.take("", &tool("a"), Level::Lan), None);
    }

    #[test]
    fn the_tables_end_is_an_answer_and_no_eviction() {
        let tokens = SocketTokens::default();
        let issue = |user| tokens.issue(&tool("a"), Level::Lan, Who::User(UserId(user)), ()).unwrap();
        let first = issue(0).unwrap();
        for user in 1..i64::try_from(MOST).unwrap() {
            assert!(issue(user).is_some());
        }
        assert!(issue(-1).is_none());
        assert!(tokens.take(first.expose(), &tool("a"), Level::Lan).is_some());
        assert!(issue(-1).is_some());
    }

    #[test]
    fn one_user_takes_no_place_of_another() {
        let tokens = SocketTokens::default();
        let issue =
            |user| tokens.issue(&tool("a"), Level::Lan, Who::User(UserId(user)), ()).unwrap().unwrap();
        let (other, first) = (issue(2), issue(1));
        let mut newest = issue(1);
        for _ in 1..MOST_PER_USER {
            newest = issue(1);
        }
        let takes = |text: &Secret| tokens.take(text.expose(), &tool("a"), Level::Lan).is_some();
        assert!(takes(&other) && takes(&newest) && !takes(&first));
    }

    #[test]
    fn a_query_names_one_or_none() {
        let text = |query: &str| named(query).map(|secret| secret.expose().to_owned());
        assert_eq!(text("a=1&drawbridge_token=abc&b"), Some("abc".to_owned()));
        assert_eq!(text("drawbridge%5Ftoken=a%62c"), Some("abc".to_owned()));
        assert_eq!(text("drawbridge_token=a&drawbridge_token=b"), Some(String::new()));
        assert_eq!(text("a=drawbridge_token"), None);
        assert_eq!(text(""), None);
    }
}
