//! What a level takes to be true: the settings ask for it, the owner acknowledged it by his own act (kept sealed), and
//! its markers lie in the home. The lowest of the three counts, so whatever is lost, edited or restored lowers.

use crate::{
    clock::Timestamp,
    secrets::{DataKey, SealError},
    settings::ToolSettings,
    store::files,
    tools::ToolId,
};
use drawbridge_protocol::Level;
use ipnet::IpNet;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// What the owner last asked for by an explicit act. Target, networks and time belong to it: others are another decision.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Acknowledged {
    pub(crate) level: Level,
    target: String,
    networks: Vec<IpNet>,
    opened: Option<u64>,
    until: Option<u64>,
}

impl Acknowledged {
    /// What acknowledges a tool as it stands in these settings.
    pub(crate) fn of(tool: &ToolSettings) -> Self {
        Self {
            level: tool.level,
            target: tool.meant(),
            networks: tool.networks.clone(),
            opened: tool.opened,
            until: tool.until,
        }
    }

    /// Whether a tool as it stands in the settings reaches no further and no longer than this.
    fn covers(&self, tool: &ToolSettings) -> bool {
        let no_longer = match (self.until, tool.until) {
            (None, _) => true,
            (Some(known), Some(wanted)) => wanted <= known,
            (Some(_), None) => false,
        };
        no_longer
            && self.opened == tool.opened
            && self.target == tool.meant()
            && tool.networks.iter().all(|network| self.networks.contains(network))
    }

    /// The sealed form. While a change is being saved both the old and the new stand in it, so that the tool is one or
    /// the other whenever it is cut short.
    pub(crate) fn seal(known: &[Self], key: &DataKey, tool: &ToolId) -> Result<Vec<u8>, SealError> {
        let plain = serde_json::to_vec(known).map_err(|_| SealError::DoesNotOpen)?;
        key.seal(&place(tool), &plain)
    }

    /// Reads the sealed form.
    pub(crate) fn open(key: &DataKey, tool: &ToolId, sealed: &[u8]) -> Result<Vec<Self>, SealError> {
        let plain = key.open(&place(tool), sealed)?;
        serde_json::from_slice(plain.expose_secret()).map_err(|_| SealError::DoesNotOpen)
    }
}

/// Everything a tool's level depends on besides the settings.
#[derive(Debug, Default)]
pub(crate) struct Grounds {
    pub(crate) acknowledged: BTreeMap<ToolId, Vec<Acknowledged>>,
    pub(crate) markers: BTreeMap<ToolId, Level>,
}

impl Grounds {
    /// How high the owner let this tool go.
    pub(crate) fn ceiling(&self, tool: &ToolSettings) -> Level {
        let known = self.acknowledged.get(&tool.id).into_iter().flatten();
        known.filter(|known| known.covers(tool)).map(|known| known.level).max().unwrap_or_default()
    }

    /// The level in force.
    pub(crate) fn level(&self, tool: &ToolSettings, now: Timestamp) -> Level {
        if !tool.is_in_time(now) {
            return Level::Local;
        }
        let marked = self.markers.get(&tool.id).copied().unwrap_or_default();
        tool.level.min(self.ceiling(tool)).min(marked)
    }

    /// Whether the settings ask for more than the owner acknowledged.
    pub(crate) fn waits_for_owner(&self, tool: &ToolSettings) -> bool {
        tool.level > self.ceiling(tool)
    }
}

/// The files without which nothing is open after a start.
pub(crate) struct Markers(PathBuf);

impl Markers {
    /// In this folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Reads them; an unreadable folder is no markers.
    pub(crate) fn read<'a>(&self, tools: impl Iterator<Item = &'a ToolId>) -> BTreeMap<ToolId, Level> {
        tools
            .map(|tool| {
                let has = |level| self.path(tool, level).is_file();
                let level = match (has(Level::Lan), has(Level::Internet)) {
                    (true, true) => Level::Internet,
                    (true, false) => Level::Lan,
                    (false, _) => Level::Local,
                };
                (tool.clone(), level)
            })
            .collect()
    }

    /// Adds what is missing up to a level.
    pub(crate) fn raise(&self, tool: &ToolId, level: Level) -> io::Result<()> {
        for step in [Level::Lan, Level::Internet] {
            if step <= level {
                files::create_marker(&self.path(tool, step))?;
            }
        }
        Ok(())
    }

    /// Removes everything above a level. Needs no free space.
    pub(crate) fn lower(&self, tool: &ToolId, level: Level) -> io::Result<()> {
        for step in [Level::Internet, Level::Lan] {
            if step > level {
                files::remove_marker(&self.path(tool, step))?;
            }
        }
        Ok(())
    }

    /// Removes every one, also of tools nobody knows any more. Needs no free space.
    pub(crate) fn remove_all(&self) -> io::Result<()> {
        let mut removed = Ok(());
        for file in std::fs::read_dir(&self.0)? {
            removed = removed.and(file.and_then(|file| files::remove_marker(&file.path())));
        }
        removed
    }

    fn path(&self, tool: &ToolId, level: Level) -> PathBuf {
        Path::new(&self.0).join(format!("{tool}.{level}"))
    }
}

fn place(tool: &ToolId) -> String {
    format!("acknowledged/{tool}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(level: &str) -> ToolSettings {
        toml::from_str(&format!(
            "id = \"a\"\nname = \"A\"\ntarget = \"http://127.0.0.1:1\"\nlevel = \"{level}\""
        ))
        .unwrap()
    }

    fn grounds(acknowledged: Level, marker: Level) -> Grounds {
        let id = tool("local").id;
        let known = Acknowledged { level: acknowledged, ..Acknowledged::of(&tool("local")) };
        Grounds { acknowledged: [(id.clone(), vec![known])].into(), markers: [(id, marker)].into() }
    }

    #[test]
    fn lowest_of_wish_acknowledgement_and_marker_counts() {
        use Level::{Internet, Lan, Local};
        for (wish, acknowledged, marker, level) in [
            ("internet", Internet, Internet, Internet),
            ("internet", Lan, Internet, Lan),
            ("internet", Internet, Lan, Lan),
            ("lan", Internet, Internet, Lan),
            ("internet", Internet, Local, Local),
            ("lan", Local, Internet, Local),
        ] {
            assert_eq!(grounds(acknowledged, marker).level(&tool(wish), Timestamp(1)), level);
        }
        assert_eq!(Grounds::default().level(&tool("internet"), Timestamp(1)), Local);
    }

    #[test]
    fn another_target_was_never_acknowledged() {
        let mut moved = tool("lan");
        moved.target =
            crate::tools::target::Target::parse("2", drawbridge_protocol::NetworkTarget::Refused).unwrap();
        let grounds = grounds(Level::Internet, Level::Internet);
        assert_eq!(grounds.level(&moved, Timestamp(1)), Level::Local);
        assert!(grounds.waits_for_owner(&moved));
    }

    #[test]
    fn timers_and_a_clock_that_ran_back_close() {
        let mut grounds = grounds(Level::Lan, Level::Lan);
        let mut timed = tool("lan");
        (timed.opened, timed.until) = (Some(10_000), Some(20_000));
        grounds.acknowledged.insert(timed.id.clone(), vec![Acknowledged::of(&timed)]);
        assert_eq!(grounds.level(&timed, Timestamp(19_999)), Level::Lan);
        assert_eq!(grounds.level(&timed, Timestamp(20_000)), Level::Local);
        assert_eq!(grounds.level(&timed, Timestamp(9_000)), Level::Local);
    }

    #[test]
    fn edited_time_and_place_were_never_acknowledged() {
        let mut known = tool("lan");
        (known.opened, known.until) = (Some(10_000), Some(20_000));
        known.networks = vec!["10.0.0.0/24".parse().unwrap()];
        let mut grounds = grounds(Level::Lan, Level::Lan);
        grounds.acknowledged.insert(known.id.clone(), vec![Acknowledged::of(&known)]);
        let in_force = |tool: &ToolSettings| grounds.level(tool, Timestamp(15_000));
        assert_eq!(in_force(&known), Level::Lan);
        let edits: [fn(&mut ToolSettings); 4] = [
            |tool| tool.until = None,
            |tool| tool.until = Some(20_001),
            |tool| tool.opened = Some(1),
            |tool| tool.networks.push("192.168.0.0/16".parse().unwrap()),
        ];
        for edit in edits {
            let mut edited = known.clone();
            edit(&mut edited);
            assert_eq!(in_force(&edited), Level::Local, "{edited:?}");
        }
        let mut shorter = known.clone();
        (shorter.until, shorter.networks) = (Some(19_000), Vec::new());
        assert_eq!(in_force(&shorter), Level::Lan);
    }

    #[test]
    fn markers_need_their_lower_one() {
        let folder = tempfile::tempdir().unwrap();
        let markers = Markers::new(folder.path().to_owned());
        let id = tool("lan").id;
        let read = || markers.read([&id].into_iter()).get(&id).copied().unwrap();
        markers.raise(&id, Level::Internet).unwrap();
        assert_eq!(read(), Level::Internet);
        markers.lower(&id, Level::Lan).unwrap();
        assert_eq!(read(), Level::Lan);
        markers.raise(&id, Level::Internet).unwrap();
        std::fs::remove_file(folder.path().join("a.lan")).unwrap();
        assert_eq!(read(), Level::Local);
    }

    #[test]
    fn acknowledgement_is_bound_to_its_tool() {
        let key = DataKey::generate("x").unwrap();
        let known = vec![Acknowledged::of(&tool("lan"))];
        let id = tool("lan").id;
        let sealed = Acknowledged::seal(&known, &key, &id).unwrap();
        assert_eq!(Acknowledged::open(&key, &id, &sealed).unwrap(), known);
        assert!(Acknowledged::open(&key, &ToolId::stored("b".into()), &sealed).is_err());
    }
}
