//! Users from elsewhere: all of a list or none. What proves them stays as it was made until their passwords are seen.

use super::{ControlError, State, people::place};
use crate::identity::{
    UserId,
    import::{self, Account, BadImport, BadLine, Why},
    user::{Proof, Reach, User},
};
use drawbridge_protocol as model;
use drawbridge_protocol::{Secret, UserImport};
use std::{collections::HashSet, sync::Arc};
use tokio_util::sync::CancellationToken;

/// What is stored of one of them.
struct Row {
    name: String,
    proof: Proof,
}

impl State {
    /// Makes an account of every line.
    pub(super) async fn import_users(
        &mut self,
        import: UserImport,
    ) -> Result<Vec<model::User>, ControlError> {
        let key = self.key()?;
        let accounts = import::read(import.lines.0.expose())?;
        let reach = self.reach(&import.reach)?;
        self.refuse_known(&accounts).await?;
        let row = |account: &Account<'_>| Row {
            name: account.name.to_owned(),
            proof: Proof::imported(Secret::new(account.hash.to_owned())),
        };
        let rows: Vec<Row> = accounts.iter().map(row).collect();
        let created = self.shared.clock.timestamp();
        let tools = reach.to_column();
        let made = self
            .database
            .call(move |transaction| {
                let mut ids = Vec::with_capacity(rows.len());
                for row in &rows {
                    transaction.execute(
                        "INSERT INTO user (name, admin, tools, password, created) VALUES (?1, 0, ?2, x'', ?3)",
                        (&row.name, &tools, i64::try_from(created.0).unwrap_or(i64::MAX)),
                    )?;
                    let id = UserId(transaction.last_insert_rowid());
                    let sealed = key.seal(&place(id), &row.proof.to_bytes());
                    let sealed = sealed.map_err(|_| rusqlite::Error::InvalidQuery)?;
                    transaction.execute("UPDATE user SET password = ?2 WHERE id = ?1", (id.0, sealed))?;
                    ids.push(id);
                }
                Ok(ids.into_iter().zip(rows).collect::<Vec<_>>())
            })
            .await?;
        let users = self.admit_imported(made, &reach, created);
        self.let_programs_sign_in().await;
        self.void_invites().await;
        Ok(users)
    }

    /// Puts them in force; returns them as shells see them.
    fn admit_imported(
        &mut self,
        made: Vec<(UserId, Row)>,
        reach: &Reach,
        created: crate::clock::Timestamp,
    ) -> Vec<model::User> {
        let user = |(id, row): (UserId, Row)| User {
            id,
            name: row.name,
            admin: false,
            disabled: false,
            reach: reach.clone(),
            proof: row.proof,
            second: None,
            created,
            withdrawn: CancellationToken::new(),
        };
        let users: Vec<Arc<User>> = made.into_iter().map(|made| Arc::new(user(made))).collect();
        self.users.extend(users.iter().cloned());
        self.publish();
        self.forget_first_user();
        let names: HashSet<&str> = users.iter().map(|user| user.name.as_str()).collect();
        self.user_models().into_iter().filter(|model| names.contains(model.name.as_str())).collect()
    }

    /// Names every line whose user exists, also where the account does not open.
    async fn refuse_known(&self, accounts: &[Account<'_>]) -> Result<(), ControlError> {
        let stored: Vec<String> = self
            .database
            .call(|transaction| {
                transaction.prepare("SELECT name FROM user")?.query_map([], |row| row.get(0))?.collect()
            })
            .await?;
        let known: HashSet<String> = stored.iter().map(|name| name.to_lowercase()).collect();
        let exists = |account: &&Account<'_>| known.contains(&account.name.to_lowercase());
        let bad: Vec<BadLine> = accounts
            .iter()
            .filter(exists)
            .map(|account| BadLine { line: account.line, why: Why::Exists })
            .collect();
        if bad.is_empty() { Ok(()) } else { Err(BadImport::Lines(bad).into()) }
    }
}
