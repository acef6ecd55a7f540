//! Plain HTTP for one tool: the settings ask for it, and the owner allowed it by an act of his own, which is kept sealed for
//! the program that was meant. Where either is missing, the door redirects to HTTPS. Only at the level of the local network.

use super::{ControlError, Finding, State};
use crate::{
    identity::session::Kind,
    proxy::door::{Door, Serves},
    secrets::DataKey,
    settings::ToolSettings,
    store::database::StoreError,
    tools::ToolId,
};
use drawbridge_protocol::{Fix, Level, PlainHttp, Tool};
use drawbridge_texts::Sentence;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;

/// For which program each tool was allowed it.
pub(super) type Allowed = BTreeMap<ToolId, String>;

impl State {
    /// What the key opens of it. What does not open was not written by this engine: it allows nothing.
    pub(super) async fn load_plain_http(&mut self, key: &DataKey) -> Result<(), StoreError> {
        let rows: Vec<(String, Vec<u8>)> = self
            .database
            .call(|transaction| {
                transaction
                    .prepare("SELECT tool, sealed FROM plain_http")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await?;
        for (tool, sealed) in rows {
            let tool = ToolId::stored(tool);
            let plain = key.open(&place(&tool), &sealed).ok();
            let meant = plain.and_then(|plain| String::from_utf8(plain.expose_secret().to_vec()).ok());
            self.plain_http.extend(meant.map(|meant| (tool, meant)));
        }
        Ok(())
    }

    /// What a change of a tool to these settings means for it. The inner result says whether its end was saved: the settings
    /// are saved all the same, because either keeps it ended over a restart.
    pub(super) async fn change_plain_http(
        &mut self,
        wish: Option<bool>,
        tool: &ToolSettings,
    ) -> Result<Result<(), ControlError>, ControlError> {
        match wish {
            Some(true) => self.allow_plain_http(tool).await.map(Ok),
            Some(false) => Ok(self.end_plain_http(&tool.id).await),
            None if !tool.plain_http && self.plain_http.contains_key(&tool.id) => {
                Ok(self.end_plain_http(&tool.id).await)
            }
            None => Ok(Ok(())),
        }
    }

    /// Takes back what was just allowed, because the settings that ask for it were not saved.
    pub(super) async fn refuse_plain_http(
        &mut self,
        wish: Option<bool>,
        id: &ToolId,
    ) -> Result<(), ControlError> {
        if wish == Some(true) { self.end_plain_http(id).await } else { Ok(()) }
    }

    /// Allows it for a tool as it stands in these settings; saved before they are.
    async fn allow_plain_http(&mut self, tool: &ToolSettings) -> Result<(), ControlError> {
        let key = self.key.as_ref().map_err(|why| ControlError::VaultClosed(why.clone()))?;
        let row = (tool.id.to_string(), key.seal(&place(&tool.id), tool.meant().as_bytes())?);
        self.database
            .call(move |transaction| {
                transaction.execute("INSERT OR REPLACE INTO plain_http VALUES (?1, ?2)", row).map(drop)
            })
            .await?;
        self.plain_http.insert(tool.id.clone(), tool.meant());
        Ok(())
    }

    /// Ends it for a tool at once, with the sign-ins that were made so, then saves that. It has ended here even where
    /// saving fails.
    pub(super) async fn end_plain_http(&mut self, id: &ToolId) -> Result<(), ControlError> {
        self.plain_http.remove(id);
        self.tell_doors();
        let entered: Vec<String> = self
            .shared
            .sessions
            .list()
            .into_iter()
            // Also those that are on their way in, wherever that leads.
            .filter(|(session, tools)| {
                session.kind == Kind::Plain && (tools.is_empty() || tools.contains(id))
            })
            .map(|(session, _)| session.id.clone())
            .collect();
        let ended = self.shared.sessions.end(|session| entered.contains(&session.id)).await;
        self.shared.visitors.forget();
        let tool = id.to_string();
        let saved = self.database.call(move |transaction| {
            transaction.execute("DELETE FROM plain_http WHERE tool = ?1", [tool]).map(drop)
        });
        saved.await.and(ended.map(drop)).map_err(ControlError::InForceUnsaved)
    }

    /// Tells every open door whether it speaks in clear too.
    pub(super) fn tell_doors(&self) {
        for (id, door) in self.open_doors.lan_doors() {
            self.tell_door(&id, &door);
        }
    }

    /// The same for one.
    pub(super) fn tell_door_of(&self, door: &Door) {
        if let Serves::Tool(id) = &door.plan.serves {
            self.tell_door(id, door);
        }
    }

    fn tell_door(&self, id: &ToolId, door: &Door) {
        if self.speaks_plain(id) { door.begin_plain() } else { door.end_plain() }
    }

    /// Whether a tool's door on the local network answers in clear.
    pub(super) fn speaks_plain(&self, id: &ToolId) -> bool {
        let Some(tool) = self.settings.tool(id.as_str()) else { return false };
        let level = self.levels().get(id).copied().unwrap_or_default();
        level == Level::Lan && self.plain_http_of(tool) == Some(PlainHttp::On)
    }

    /// Whether it is allowed, or only asked for.
    pub(super) fn plain_http_of(&self, tool: &ToolSettings) -> Option<PlainHttp> {
        let is_allowed = self.plain_http.get(&tool.id).is_some_and(|meant| *meant == tool.meant());
        let state = if is_allowed { PlainHttp::On } else { PlainHttp::Waits };
        tool.plain_http.then_some(state)
    }

    /// What the owner should know about it.
    pub(super) fn plain_finding(&self, tool: &Tool) -> Option<Finding> {
        let finding = match tool.plain_http? {
            PlainHttp::On if tool.level != Level::Lan => return None,
            PlainHttp::On => Finding::new(
                Sentence::new("trouble-plain-what").with("tool", &tool.name),
                Sentence::new("trouble-plain-why"),
                Sentence::new("trouble-plain-do").with("tool", &tool.name),
            ),
            PlainHttp::Waits => Finding::new(
                Sentence::new("trouble-plain-waits-what").with("tool", &tool.name),
                Sentence::new("trouble-plain-waits-why"),
                Sentence::new("trouble-plain-waits-do").with("tool", &tool.name),
            ),
        };
        Some(finding.with(Fix::ShowTool { tool: tool.id.clone() }))
    }
}

fn place(tool: &ToolId) -> String {
    format!("plain-http/{tool}")
}
