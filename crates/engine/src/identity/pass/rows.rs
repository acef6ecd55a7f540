//! The rows behind the table of passes.

use super::{
    AtomicU64, CancellationToken, Device, Digest, Level, MOST, MOST_PER_USER, Maker, OnceLock, Pass, PassId,
    Rights, Timestamp, ToolId, UserId,
};
use rusqlite::{Result, Row, Transaction, params};

/// A pass as it is stored.
pub(super) struct Stored {
    pub(super) hash: Digest,
    pub(super) door: Option<Digest>,
    pub(super) pass: Pass,
}

pub(super) fn load(transaction: &Transaction<'_>, now: Timestamp) -> Result<Vec<Stored>> {
    transaction.execute("DELETE FROM pass WHERE expires <= ?1", [signed(now.0)])?;
    transaction
        .prepare(
            "SELECT hash, id, tool, maker, label, read_only, created, expires, device, level, address, agent,
                 opened, last_seen, door FROM pass",
        )?
        .query_map([], |row| Ok(Stored { hash: row.get("hash")?, door: row.get("door")?, pass: read(row)? }))?
        .collect()
}

fn read(row: &Row<'_>) -> Result<Pass> {
    let device = OnceLock::new();
    if let Some(mark) = row.get("device")? {
        let level: String = row.get("level")?;
        let _ = device.set(Device {
            mark,
            // Anything else than the one word means the lower level.
            level: if level == "internet" { Level::Internet } else { Level::Lan },
            address: row.get("address")?,
            agent: row.get("agent")?,
            since: Timestamp(unsigned(row.get("opened")?)),
        });
    }
    Ok(Pass {
        id: PassId(unsigned(row.get("id")?)),
        tool: ToolId::stored(row.get("tool")?),
        maker: row.get::<_, Option<i64>>("maker")?.map_or(Maker::Owner, |id| Maker::User(UserId(id))),
        label: row.get("label")?,
        rights: if row.get::<_, i64>("read_only")? == 0 { Rights::All } else { Rights::ReadOnly },
        created: Timestamp(unsigned(row.get("created")?)),
        expires: Timestamp(unsigned(row.get("expires")?)),
        device,
        last_seen: AtomicU64::new(row.get::<_, Option<i64>>("last_seen")?.map_or(0, unsigned)),
        ended: CancellationToken::new(),
    })
}

/// Saves a pass, unless there are too many, or too many of its maker.
pub(super) fn insert(transaction: &Transaction<'_>, hash: &Digest, pass: &Pass) -> Result<bool> {
    let maker = match pass.maker {
        Maker::Owner => None,
        Maker::User(id) => Some(id.0),
    };
    let count = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        transaction.query_row(sql, values, |row| row.get::<_, i64>(0))
    };
    let all = count("SELECT count(*) FROM pass", &[])?;
    let own = count("SELECT count(*) FROM pass WHERE maker = ?1", &[&maker])?;
    let most = |most: usize| i64::try_from(most).unwrap_or(0);
    if all >= most(MOST) || own >= most(MOST_PER_USER) {
        return Ok(false);
    }
    transaction.execute(
        "INSERT INTO pass (hash, id, tool, maker, label, read_only, created, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            hash,
            signed(pass.id.0),
            pass.tool.as_str(),
            maker,
            pass.label,
            pass.rights == Rights::ReadOnly,
            signed(pass.created.0),
            signed(pass.expires.0),
        ],
    )?;
    Ok(true)
}

/// Writes down whose a pass is; false where somebody has it already, or its time is over.
pub(super) fn bind(transaction: &Transaction<'_>, id: PassId, device: &Device) -> Result<bool> {
    let bound = transaction.execute(
        "UPDATE pass SET device = ?2, level = ?3, address = ?4, agent = ?5, opened = ?6, last_seen = ?6
             WHERE id = ?1 AND device IS NULL AND expires > ?6",
        params![
            signed(id.0),
            device.mark,
            device.level.to_string(),
            device.address,
            device.agent,
            signed(device.since.0),
        ],
    )?;
    Ok(bound == 1)
}

/// The cookie of the one door entered with a pass; false where there is none any more.
pub(super) fn enter(transaction: &Transaction<'_>, id: PassId, door: &Digest) -> Result<bool> {
    let entered = transaction.execute(
        "UPDATE pass SET door = ?2 WHERE id = ?1 AND device IS NOT NULL",
        params![signed(id.0), door],
    )?;
    Ok(entered == 1)
}

pub(super) fn leave(transaction: &Transaction<'_>, door: &Digest) -> Result<()> {
    transaction.execute("UPDATE pass SET door = NULL WHERE door = ?1", [door]).map(drop)
}

pub(crate) fn delete(transaction: &Transaction<'_>, ids: &[PassId]) -> Result<()> {
    ids.iter()
        .try_for_each(|id| transaction.execute("DELETE FROM pass WHERE id = ?1", [signed(id.0)]).map(drop))
}

/// Deletes the others.
pub(super) fn keep(transaction: &Transaction<'_>, which: impl Fn(PassId) -> bool) -> Result<()> {
    let ids: Vec<PassId> = transaction
        .prepare("SELECT id FROM pass")?
        .query_map([], |row| Ok(PassId(unsigned(row.get(0)?))))?
        .collect::<Result<_>>()?;
    delete(transaction, &ids.into_iter().filter(|id| !which(*id)).collect::<Vec<_>>())
}

pub(super) fn seen(transaction: &Transaction<'_>, seen: &[(PassId, u64)]) -> Result<()> {
    let mut update =
        transaction.prepare("UPDATE pass SET last_seen = ?2 WHERE id = ?1 AND last_seen IS NOT ?2")?;
    seen.iter().try_for_each(|(id, moment)| update.execute([signed(id.0), signed(*moment)]).map(drop))
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
