//! Lowering: close first, remove the open-markers, then save. Whatever fails on the way, less is open than before.

use super::{ControlError, State, levels::Acknowledged};
use crate::{settings::Settings, tools::ToolId};
use drawbridge_protocol::{Level, Tool};

impl State {
    /// Every tool to local.
    pub(super) async fn close_everything(&mut self) -> Result<Vec<Tool>, ControlError> {
        let all: Vec<ToolId> = self.settings.tools.iter().map(|tool| tool.id.clone()).collect();
        let lowered = self.lower(&all, Level::Local).await;
        self.open_doors.closed();
        // Also of tools that are not in these settings: a file that comes back must not open what was closed here.
        let removed = self.markers.remove_all().map_err(ControlError::Marker);
        let forgotten = self
            .database
            .call(|transaction| transaction.execute("DELETE FROM acknowledged", []).map(drop))
            .await
            .map_err(|error| ControlError::ClosedUnsaved(std::io::Error::other(error)));
        lowered.and(removed).and(forgotten)?;
        Ok(self.status().tools)
    }

    /// Brings tools down to a level, or leaves those below it.
    pub(super) async fn lower(&mut self, tools: &[ToolId], level: Level) -> Result<(), ControlError> {
        let mut after = self.settings.clone();
        for id in tools {
            if let Some(tool) = after.tool_mut(id) {
                tool.level = tool.level.min(level);
                if tool.level == Level::Local {
                    (tool.opened, tool.until) = (None, None);
                    tool.networks.clear();
                }
            }
        }
        tracing::info!(?tools, %level, "tools were lowered");
        self.revision += 1;
        // Closed first: from here on nothing of this depends on the disk.
        self.settings = Settings { revision: self.settings.revision + 1, ..after };
        for id in tools {
            if let Some(marker) = self.grounds.markers.get_mut(id) {
                *marker = (*marker).min(level);
            }
        }
        self.end_anybody(|tool, _| tools.contains(tool));
        self.apply();
        self.shared.visitors.forget();
        let mut removed = Ok(());
        for id in tools {
            removed = removed.and(self.markers.lower(id, level));
        }
        let saved = self.save_settings();
        let acknowledged = self.acknowledge(tools).await;
        removed.map_err(ControlError::Marker)?;
        saved.map_err(ControlError::ClosedUnsaved)?;
        acknowledged.map_err(|error| match error {
            ControlError::Store(error) => ControlError::ClosedUnsaved(std::io::Error::other(error)),
            other => other,
        })
    }

    /// Writes down, sealed, that the owner asked for these tools' levels as they are in the settings. Without a key
    /// only removal is possible, and nothing acknowledged means local.
    pub(super) async fn acknowledge(&mut self, tools: &[ToolId]) -> Result<(), ControlError> {
        let mut rows = Vec::new();
        for id in tools {
            let known = self.settings.tools.iter().find(|tool| tool.id == *id).map(Acknowledged::of);
            let sealed = match (&known, &self.key) {
                (Some(known), Ok(key)) if known.level > Level::Local => {
                    Some(Acknowledged::seal(std::slice::from_ref(known), key, id)?)
                }
                _ => None,
            };
            rows.push((id.to_string(), sealed));
            match known {
                Some(known) if known.level > Level::Local => {
                    self.grounds.acknowledged.insert(id.clone(), vec![known])
                }
                Some(_) | None => self.grounds.acknowledged.remove(id),
            };
        }
        self.database
            .call(move |transaction| {
                for (tool, sealed) in rows {
                    match sealed {
                        Some(sealed) => transaction
                            .execute("INSERT OR REPLACE INTO acknowledged VALUES (?1, ?2)", (tool, sealed))?,
                        None => transaction.execute("DELETE FROM acknowledged WHERE tool = ?1", [tool])?,
                    };
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
