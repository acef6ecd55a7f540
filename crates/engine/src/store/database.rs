//! The database behind one thread: every query is a closure sent there, so SQLite never runs on the data path and
//! there is one writer.

use crate::{
    clock::Timestamp,
    store::{files, schema},
};
use drawbridge_texts::{Sentence, Tell};
use rusqlite::{Connection, OpenFlags};
use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The file or its folder.
    #[error("the database was not opened ({0})")]
    Sqlite(#[source] rusqlite::Error),
    /// A damaged file could not be moved away.
    #[error("the damaged database was not kept aside ({0})")]
    KeepAside(#[source] io::Error),
    /// No thread.
    #[error("no thread for the database ({0})")]
    Thread(#[source] io::Error),
}

impl Tell for OpenError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Sqlite(error) => Sentence::new("database-unopened").quoting("cause", error),
            Self::KeepAside(error) => Sentence::new("database-not-kept").quoting("cause", error),
            Self::Thread(error) => Sentence::new("no-thread").quoting("cause", error),
        }
    }
}

/// Why a query did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// SQLite said no: most often a full disk.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Too much waiting already, or the engine is stopping.
    #[error("the database is busy")]
    Busy,
}

impl Tell for StoreError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Sqlite(error) => Sentence::new("store-failed").quoting("cause", error),
            Self::Busy => Sentence::new("store-busy"),
        }
    }
}

/// A handle to the database thread; clones share it.
#[derive(Clone)]
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// An opened database and, if it was damaged, where the old file is now.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) kept_aside: Option<PathBuf>,
    /// Whether there was none, or an empty one.
    pub(crate) is_new: bool,
}

impl Database {
    /// Opens or makes the database; a damaged one is kept aside and a new one made.
    pub(crate) fn open(path: &Path, now: Timestamp) -> Result<Opened, OpenError> {
        let ((connection, is_new), kept_aside) = match connect(path) {
            Ok(connected) => (connected, None),
            Err(error) if is_damage(&error) => {
                let aside = files::keep_aside(path, now.0).map_err(OpenError::KeepAside)?;
                for suffix in ["-wal", "-shm"] {
                    let mut sibling = path.as_os_str().to_owned();
                    sibling.push(suffix);
                    let sibling = PathBuf::from(sibling);
                    if sibling.exists() {
                        files::keep_aside(&sibling, now.0).map_err(OpenError::KeepAside)?;
                    }
                }
                (connect(path).map_err(OpenError::Sqlite)?, Some(aside))
            }
            Err(error) => return Err(OpenError::Sqlite(error)),
        };
        Ok(Opened { database: Self::spawn(connection).map_err(OpenError::Thread)?, kept_aside, is_new })
    }

    fn spawn(mut connection: Connection) -> io::Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        thread::Builder::new().name("database".into()).spawn(move || {
            while let Some(job) = queue.blocking_recv() {
                job(&mut connection);
            }
        })?;
        Ok(Self { jobs })
    }

    /// Runs a closure on the database thread, in one transaction that is saved before this returns.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = answer.send(transact(connection, work));
        });
        self.jobs.try_send(job).map_err(|_| StoreError::Busy)?;
        Ok(answered.await.map_err(|_| StoreError::Busy)??)
    }

    /// The same, and what follows once it is saved: also where the caller went away meanwhile, so that what is known here
    /// and what is stored stay one.
    pub(crate) async fn call_then<T, F, N>(&self, work: F, then: N) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        N: FnOnce(&T) + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let done = transact(connection, work);
            if let Ok(value) = &done {
                then(value);
            }
            let _ = answer.send(done);
        });
        self.jobs.try_send(job).map_err(|_| StoreError::Busy)?;
        Ok(answered.await.map_err(|_| StoreError::Busy)??)
    }

    /// Brings everything into the one file, so that a copy of it alone is whole. Best effort: what stays in the log is
    /// read from there.
    pub(crate) async fn checkpoint(&self) {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            let _ = answer.send(done);
        });
        if self.jobs.try_send(job).is_ok() {
            let _ = answered.await;
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

fn connect(path: &Path) -> rusqlite::Result<(Connection, bool)> {
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW,
    )?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(check),
        ));
    }
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    schema::migrate(&mut connection)?;
    Ok((connection, version == 0))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}

/// Jobs waiting at once (chosen: more than every signing-in visitor at the password queue's limit).
const QUEUE: usize = 256;
/// How long SQLite waits for another process holding the file (chosen: only a backup would).
const BUSY: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn damaged_database_is_kept_aside_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drawbridge.db");
        std::fs::write(&path, vec![0x5a; 8192]).unwrap();
        let opened = Database::open(&path, Timestamp(7)).unwrap();
        assert_eq!(std::fs::read(opened.kept_aside.unwrap()).unwrap(), vec![0x5a; 8192]);
        let users: i64 = opened
            .database
            .call(|transaction| transaction.query_row("SELECT count(*) FROM user", [], |row| row.get(0)))
            .await
            .unwrap();
        assert_eq!(users, 0);
    }

    #[tokio::test]
    async fn failed_work_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let opened = Database::open(&folder.path().join("drawbridge.db"), Timestamp(7)).unwrap();
        let failed: Result<(), _> = opened
            .database
            .call(|transaction| {
                transaction.execute("INSERT INTO sealed VALUES ('a', x'00')", [])?;
                Err(rusqlite::Error::InvalidQuery)
            })
            .await;
        assert!(failed.is_err());
        let rows: i64 = opened
            .database
            .call(|transaction| transaction.query_row("SELECT count(*) FROM sealed", [], |row| row.get(0)))
            .await
            .unwrap();
        assert_eq!(rows, 0);
    }
}
