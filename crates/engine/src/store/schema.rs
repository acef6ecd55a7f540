//! The database's tables, as steps from each version to the next (`PRAGMA user_version`).

use rusqlite::{Connection, Result};

/// Brings a database to the newest version; each step is one transaction.
///
/// # Errors
/// Whatever SQLite says; also when the file was made by a newer version.
pub(crate) fn migrate(connection: &mut Connection) -> Result<()> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    if done > STEPS.len() {
        return Err(rusqlite::Error::InvalidQuery);
    }
    for (index, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
        transaction.commit()?;
    }
    Ok(())
}

/// Step `n` leads from version `n` to `n + 1`. Never edited once released.
const STEPS: &[&str] = &[
    "
    CREATE TABLE user (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        name      TEXT    NOT NULL UNIQUE COLLATE NOCASE,
        admin     INTEGER NOT NULL,
        tools     TEXT,                                -- JSON list of tool ids; NULL is all
        password  BLOB    NOT NULL,                    -- sealed: hash and strength
        created   INTEGER NOT NULL,
        last_seen INTEGER
    ) STRICT;
    CREATE TABLE session (                             -- one sign-in at a gate
        hash      BLOB    PRIMARY KEY,                 -- SHA-256 of the cookie's value
        id        TEXT    NOT NULL UNIQUE,
        user      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        level     TEXT    NOT NULL,
        address   TEXT    NOT NULL,
        agent     TEXT    NOT NULL,
        created   INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        expires   INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE door_session (                        -- one door entered with it
        hash      BLOB    PRIMARY KEY,
        session   TEXT    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
        tool      TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE acknowledged (                        -- the level the owner last asked for, by his own act
        tool      TEXT    PRIMARY KEY,
        sealed    BLOB    NOT NULL
    ) STRICT;
    CREATE TABLE sealed (                              -- keys of certificates
        name      TEXT    PRIMARY KEY,
        value     BLOB    NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE tool_secret (                         -- what a tool is given with each request
        tool      TEXT    NOT NULL,
        name      TEXT    NOT NULL,
        sealed    BLOB    NOT NULL,
        PRIMARY KEY (tool, name)
    ) STRICT;
",
    "
    ALTER TABLE session ADD COLUMN kind TEXT NOT NULL DEFAULT 'browser';    -- or a program's, whose hash is of its refresh token
    CREATE TABLE token (                               -- a password for one device or program
        hash      BLOB    PRIMARY KEY,                 -- SHA-256 of the token
        id        TEXT    NOT NULL UNIQUE,
        user      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        name      TEXT    NOT NULL,
        tool      TEXT,                                -- NULL is every tool of the user
        created   INTEGER NOT NULL,
        expires   INTEGER,
        last_seen INTEGER
    ) STRICT;
    ALTER TABLE user ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
",
    "
    CREATE TABLE totp (                                -- the authenticator app of an account
        user      INTEGER PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
        seed      BLOB    NOT NULL,                    -- sealed
        last_step INTEGER NOT NULL                     -- the newest step that was used; it and all before are spent
    ) STRICT;
    CREATE TABLE recovery (                            -- the set of recovery codes of an account
        user      INTEGER PRIMARY KEY REFERENCES user (id) ON DELETE CASCADE,
        key       BLOB    NOT NULL                     -- sealed: of the hashes below
    ) STRICT;
    CREATE TABLE recovery_code (                       -- those that were not used
        user      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        hash      BLOB    NOT NULL,                    -- HMAC-SHA-256
        PRIMARY KEY (user, hash)
    ) STRICT;
",
    "
    CREATE TABLE invite (                              -- an account that somebody may make for themselves, once
        hash      BLOB    PRIMARY KEY,                 -- SHA-256 of the code in its link
        id        TEXT    NOT NULL UNIQUE,
        name      TEXT    NOT NULL UNIQUE COLLATE NOCASE,
        admin     INTEGER NOT NULL,
        tools     TEXT,                                -- as of a user
        created   INTEGER NOT NULL,
        expires   INTEGER NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE device (                              -- one the owner need not be asked for again
        hash      BLOB    NOT NULL,                    -- SHA-256 of its token; one browser may be known for several
        id        TEXT    NOT NULL UNIQUE,
        user      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        agent     TEXT    NOT NULL,
        created   INTEGER NOT NULL,
        last_seen INTEGER NOT NULL,
        PRIMARY KEY (hash, user)
    ) STRICT;
",
    "
    CREATE TABLE passkey (                             -- a key of a device, beside or instead of the password
        id        TEXT    PRIMARY KEY,
        user      INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        name      TEXT    NOT NULL,
        rp        TEXT    NOT NULL,                    -- the host name it works at; the seal below is for it
        sealed    BLOB    NOT NULL,                    -- what the browser calls it, and its public key
        counter   INTEGER NOT NULL,                    -- the highest it has shown; 0 where it does not count
        created   INTEGER NOT NULL,
        last_used INTEGER
    ) STRICT;
",
    "
    CREATE TABLE pass (                                -- a link with which a guest uses one tool, on the first device
        hash      BLOB    PRIMARY KEY,                 -- SHA-256 of the code in its link
        id        INTEGER NOT NULL UNIQUE,             -- 48 random bits
        tool      TEXT    NOT NULL,
        maker     INTEGER REFERENCES user (id) ON DELETE CASCADE,    -- NULL is the owner
        label     TEXT    NOT NULL,
        read_only INTEGER NOT NULL,
        created   INTEGER NOT NULL,
        expires   INTEGER NOT NULL,
        device    BLOB,                                -- SHA-256 of the mark in its cookie at the gate; NULL while it waits
        level     TEXT,                                -- where it was opened, from where, by what, when
        address   TEXT,
        agent     TEXT,
        opened    INTEGER,
        last_seen INTEGER,
        door      BLOB    UNIQUE                       -- SHA-256 of the cookie at the tool's door
    ) STRICT;
",
    "
    CREATE TABLE plain_http (                          -- the owner allowed it for this tool, by an act of his own
        tool      TEXT    PRIMARY KEY,
        sealed    BLOB    NOT NULL                     -- for which program
    ) STRICT;
",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrating_twice_changes_nothing_and_newer_files_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(migrate(&mut connection).is_err());
    }
}
