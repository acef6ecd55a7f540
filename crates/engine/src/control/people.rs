//! Changes to accounts and sessions. What an account's change takes away ends at once: its old self is withdrawn, its
//! sessions end where its password changed or it is gone.

use super::{ControlError, Finding, State, passkeys};
use crate::{
    clock::Timestamp,
    identity::{
        UserId, generator,
        pass::{self, Maker},
        password,
        session::Kind,
        user::{Proof, Reach, User},
    },
    store::database::StoreError,
    tools::ToolId,
};
use drawbridge_protocol as model;
use drawbridge_protocol::{Secret, SecretField, UserCreated, UserSet};
use secrecy::ExposeSecret;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, atomic::Ordering},
};
use tokio_util::sync::CancellationToken;

impl State {
    /// Sets a new password; every session, token and pass of the account ends.
    pub(super) async fn set_password(
        &mut self,
        name: &str,
        password: Option<SecretField>,
    ) -> Result<UserCreated, ControlError> {
        let old = Arc::clone(self.user(name)?);
        let password = password.map(|field| field.0);
        let (proof, shown) = self.prove_password(&old.name, password).await?;
        self.renew_proof(&old, proof).await?;
        self.created(old.id, shown)
    }

    /// Puts another proof in force; every session, token and pass of the account ends.
    pub(super) async fn renew_proof(&mut self, old: &Arc<User>, proof: Proof) -> Result<(), ControlError> {
        let sealed = self.key()?.seal(&place(old.id), &proof.to_bytes())?;
        let id = old.id;
        // In force first: a full disk must not keep an old password alive.
        self.replace(old, Some(User { proof, ..again(old) }));
        self.shared.sessions.end_here(|session| session.user == id);
        self.shared.tokens.revoke_here(|token| token.user == id);
        self.shared.passes.end_here(|pass| pass.maker == Maker::User(id));
        self.save(move |transaction| {
            transaction.execute("UPDATE user SET password = ?2 WHERE id = ?1", (id.0, sealed))?;
            transaction.execute("DELETE FROM pass WHERE maker = ?1", [id.0])?;
            transaction.execute("DELETE FROM token WHERE user = ?1", [id.0])?;
            transaction.execute("DELETE FROM session WHERE user = ?1", [id.0])
        })
        .await
    }

    /// Changes what an account may do. A change of its tools leaves its sessions, which are judged anew; one of its role, or
    /// of whether it may sign in at all, ends them. Its tokens stay: they open nothing while it is disabled. Its passes end
    /// with its right.
    pub(super) async fn set_user(&mut self, set: UserSet) -> Result<model::User, ControlError> {
        let old = Arc::clone(self.user(&set.name)?);
        let reach = match set.reach {
            Some(reach) => self.reach(&reach)?,
            None => old.reach.clone(),
        };
        let admin = set.admin.unwrap_or(old.admin);
        let disabled = set.disabled.unwrap_or(old.disabled);
        let new = User { admin, disabled, reach, ..again(&old) };
        let row = (old.id.0, new.admin, new.disabled, new.reach.to_column());
        let (id, was) = (old.id, Arc::clone(&old));
        let ends = admin != was.admin || disabled != was.disabled;
        self.replace(&old, Some(new));
        if ends {
            self.shared.sessions.end_here(|session| session.user == id);
        }
        let may = |tool: &ToolId| !disabled && self.user(&set.name).is_ok_and(|user| user.may_use(tool));
        let passes = self.shared.passes.end_here(|pass| pass.maker == Maker::User(id) && !may(&pass.tool));
        let saved = self
            .save(move |transaction| {
                pass::delete(transaction, &passes)?;
                if ends {
                    transaction.execute("DELETE FROM session WHERE user = ?1", [row.0])?;
                }
                transaction
                    .execute("UPDATE user SET admin = ?2, disabled = ?3, tools = ?4 WHERE id = ?1", row)
            })
            .await;
        if saved.is_err()
            && let Some(now) = self.users.iter().find(|user| user.id == id).cloned()
            && !is_narrower(&now, &was)
        {
            // What was not saved may take away, never give.
            self.replace(&now, Some(again(&was)));
        }
        saved?;
        Ok(self.user_model(self.user(&set.name)?))
    }

    /// Removes an account with its sessions. It is out at once, even where saving fails.
    pub(super) async fn remove_user(&mut self, name: &str) -> Result<(), ControlError> {
        let old = match self.user(name) {
            Ok(user) => Arc::clone(user),
            Err(unknown) => return self.remove_unopened(name).await?.then_some(()).ok_or(unknown),
        };
        let id = old.id;
        self.replace(&old, None);
        self.shared.sessions.end_here(|session| session.user == id);
        self.shared.tokens.revoke_here(|token| token.user == id);
        self.forget_devices(id).await;
        self.shared.passes.end_here(|pass| pass.maker == Maker::User(id));
        self.save(move |transaction| transaction.execute("DELETE FROM user WHERE id = ?1", [id.0])).await
    }

    /// Removes an account that is stored but does not open; says whether there was one.
    async fn remove_unopened(&mut self, name: &str) -> Result<bool, ControlError> {
        if !self.is_stored(name).await? {
            return Ok(false);
        }
        let row = name.to_owned();
        let (id, stored) = self
            .database
            .call(move |transaction| {
                transaction.query_row("DELETE FROM user WHERE name = ?1 RETURNING id, name", [row], |row| {
                    Ok((UserId(row.get(0)?), row.get::<_, String>(1)?))
                })
            })
            .await?;
        self.shared.sessions.end(|session| session.user == id).await?;
        self.shared.tokens.revoke(|token| token.user == id).await?;
        self.forget_devices(id).await;
        self.shared.passes.end(|pass| pass.maker == Maker::User(id)).await?;
        let over = Finding::account_closed(&stored);
        self.notes.retain(|note| *note != over);
        Ok(true)
    }

    /// Whether the database knows the name, also where the account does not open.
    pub(super) async fn is_stored(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        self.database
            .call(move |transaction| {
                transaction
                    .query_row("SELECT EXISTS (SELECT 1 FROM user WHERE name = ?1)", [name], |row| row.get(0))
            })
            .await
    }

    /// Saves what is in force already.
    pub(super) async fn save(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<(), ControlError> {
        self.database
            .call(move |transaction| work(transaction).map(drop))
            .await
            .map_err(ControlError::InForceUnsaved)
    }

    /// Ends one sign-in.
    pub(super) async fn end_session(&mut self, id: &str) -> Result<(), ControlError> {
        match self.shared.sessions.end(|session| session.id == id).await? {
            0 => Err(ControlError::UnknownSession(id.to_owned())),
            _ => {
                self.forget_visitors();
                Ok(())
            }
        }
    }

    /// Takes a tool out of every list it stands in.
    pub(super) async fn forget_tool(&mut self, tool: &ToolId) -> Result<(), ControlError> {
        // Before its doors are left, by which its sign-ins are known.
        self.end_plain_http(tool).await?;
        self.shared.sessions.leave_tool(tool).await?;
        // One that was for this tool alone must not open another that takes its id.
        self.shared.tokens.revoke(|token| token.tool.as_ref() == Some(tool)).await?;
        self.shared.passes.end(|pass| pass.tool == *tool).await?;
        self.shared.invites.forget_tool(tool).await?;
        self.forget_secrets(tool).await?;
        let named: Vec<Arc<User>> = self
            .users
            .iter()
            .filter(|user| matches!(&user.reach, Reach::Only(tools) if tools.contains(tool)))
            .cloned()
            .collect();
        for old in named {
            let Reach::Only(mut tools) = old.reach.clone() else { continue };
            tools.remove(tool);
            let reach = Reach::Only(tools);
            let row = (old.id.0, reach.to_column());
            self.database
                .call(move |transaction| {
                    transaction.execute("UPDATE user SET tools = ?2 WHERE id = ?1", row).map(drop)
                })
                .await?;
            self.replace(&old, Some(User { reach, ..again(&old) }));
        }
        Ok(())
    }

    /// Reads every account; one whose proof does not open is left out and noted, never let in.
    pub(super) async fn load_users(&mut self) -> Result<(), StoreError> {
        type Row = (i64, String, bool, bool, Option<String>, Vec<u8>, i64);
        let rows: Vec<Row> = self
            .database
            .call(|transaction| {
                transaction
                    .prepare(
                        "SELECT id, name, admin, disabled, tools, password, created FROM user ORDER BY id",
                    )?
                    .query_map([], |row| row.try_into())?
                    .collect()
            })
            .await?;
        let mut factors = self.stored_factors().await?;
        self.users.clear();
        for (id, name, admin, disabled, tools, sealed, created) in rows {
            let id = UserId(id);
            let opened = self.key().ok().and_then(|key| key.open(&place(id), &sealed).ok());
            let proof = opened.and_then(|plain| Proof::from_bytes(plain.expose_secret()));
            let (Some(proof), Some(reach)) = (proof, Reach::from_column(tools.as_deref())) else {
                self.note(Finding::account_closed(&name));
                continue;
            };
            // A factor that does not open is still one: without it nobody signs in.
            let second =
                factors.remove(&id).map(|stored| self.key().ok().and_then(|key| stored.open(&key, id)));
            if matches!(second, Some(None)) {
                self.note(Finding::account_closed(&name));
                continue;
            }
            let second = second.flatten().map(Arc::new);
            let created = Timestamp(u64::try_from(created).unwrap_or(0));
            let withdrawn = CancellationToken::new();
            self.users.push(Arc::new(User {
                id,
                name,
                admin,
                disabled,
                reach,
                proof,
                second,
                created,
                withdrawn,
            }));
        }
        Ok(())
    }

    /// Every account, where accounts can be read: an empty list would say that nobody has one.
    pub(super) fn known_users(&self) -> Result<Vec<model::User>, ControlError> {
        self.key()?;
        Ok(self.user_models())
    }

    /// Every account as shells see it.
    pub(super) fn user_models(&self) -> Vec<model::User> {
        let seen = self.last_seen();
        self.users.iter().map(|user| self.model_of(user, &seen)).collect()
    }

    /// When something of each account was last used.
    fn last_seen(&self) -> HashMap<UserId, u64> {
        let sessions = self.shared.sessions.list().into_iter();
        let sessions = sessions.map(|(session, _)| (session.user, session.last_seen.load(Ordering::Relaxed)));
        let tokens = self.shared.tokens.list().into_iter();
        let tokens = tokens.filter_map(|token| Some((token.user, token.last_seen()?)));
        let mut seen = HashMap::new();
        for (user, moment) in sessions.chain(tokens) {
            let newest = seen.entry(user).or_insert(moment);
            *newest = moment.max(*newest);
        }
        seen
    }

    /// Every sign-in as shells see it.
    pub(super) fn session_models(&self) -> Vec<model::Session> {
        let name_of = |id: &ToolId| {
            self.settings.tools.iter().find(|tool| tool.id == *id).map(|tool| tool.name.clone())
        };
        let user_of = |id: UserId| self.users.iter().find(|user| user.id == id).map(|user| user.name.clone());
        self.shared
            .sessions
            .list()
            .into_iter()
            .filter_map(|(session, tools)| {
                Some(model::Session {
                    id: session.id.clone(),
                    user: user_of(session.user)?,
                    kind: match session.kind {
                        Kind::Browser => model::SessionKind::Browser,
                        Kind::Plain => model::SessionKind::Plain,
                        Kind::Program => model::SessionKind::Program,
                    },
                    level: session.level,
                    address: session.address.clone(),
                    agent: session.agent.clone(),
                    tools: tools.iter().filter_map(name_of).collect(),
                    since: session.created.0,
                    last_seen: session.last_seen.load(Ordering::Relaxed),
                    expires: session.expires.0,
                })
            })
            .collect()
    }

    pub(super) fn user_model(&self, user: &User) -> model::User {
        self.model_of(user, &self.last_seen())
    }

    fn model_of(&self, user: &User, seen: &HashMap<UserId, u64>) -> model::User {
        let name_of = |id: &ToolId| {
            self.settings.tools.iter().find(|tool| tool.id == *id).map(|tool| tool.name.clone())
        };
        model::User {
            name: user.name.clone(),
            admin: user.admin,
            disabled: user.disabled,
            tools: match &user.reach {
                Reach::All => None,
                Reach::Only(tools) => Some(tools.iter().filter_map(name_of).collect()),
            },
            factors: user.factors().map(str::to_owned).collect(),
            strong: user.is_strong(),
            unproven: user.proof.is_unproven() && user.second.is_none(),
            last_seen: seen.get(&user.id).copied(),
            passkeys: passkeys::models(user),
            recovery_codes: user.second.as_ref().map(|second| second.recovery.left()),
        }
    }

    pub(super) fn user(&self, name: &str) -> Result<&Arc<User>, ControlError> {
        let lower = name.to_lowercase();
        let found = self.users.iter().find(|user| user.name.to_lowercase() == lower);
        // While nothing can be opened nobody is known, which does not mean that nobody is there.
        found.ok_or_else(|| self.key().err().unwrap_or_else(|| ControlError::UnknownUser(name.to_owned())))
    }

    pub(super) fn created(&self, id: UserId, password: Option<Secret>) -> Result<UserCreated, ControlError> {
        let user = self.users.iter().find(|user| user.id == id);
        let user = user.ok_or_else(|| ControlError::UnknownUser(id.to_string()))?;
        Ok(UserCreated { user: self.user_model(user), password })
    }

    /// Puts a new self in an account's place, or none, and withdraws the old one's permits.
    pub(super) fn replace(&mut self, old: &Arc<User>, new: Option<User>) {
        self.users =
            self.users.iter().filter(|user| user.id != old.id).cloned().chain(new.map(Arc::new)).collect();
        self.users.sort_by_key(|user| user.id);
        self.publish();
        old.withdrawn.cancel();
        self.forget_visitors();
    }

    /// The list of who is in starts anew; whoever still is shows up with the next request.
    pub(super) fn forget_visitors(&self) {
        self.shared.visitors.forget();
    }

    pub(super) async fn prove_password(
        &self,
        name: &str,
        password: Option<Secret>,
    ) -> Result<(Proof, Option<Secret>), ControlError> {
        self.key()?;
        let (password, shown) = match password {
            Some(password) => (password, None),
            None => {
                let made = generator::passphrase()?;
                (made.clone(), Some(made))
            }
        };
        password::check_apart(password.clone(), name.to_owned()).await?;
        let strong = password::is_strong(&password);
        let hash = self.shared.sign_in.hasher().hash(password).await?;
        Ok((Proof::new(hash, strong), shown))
    }

    pub(super) fn reach(&self, reach: &model::Reach) -> Result<Reach, ControlError> {
        match reach {
            model::Reach::All => Ok(Reach::All),
            model::Reach::Only(tools) => {
                let ids: Result<BTreeSet<ToolId>, ControlError> =
                    tools.iter().map(|tool| Ok(self.known_tool(tool)?.id.clone())).collect();
                Ok(Reach::Only(ids?))
            }
        }
    }
}

/// Whether an account may do nothing that another may not.
fn is_narrower(user: &User, than: &User) -> bool {
    let reach = match (&user.reach, &than.reach) {
        (_, Reach::All) => true,
        (Reach::Only(tools), Reach::Only(others)) => tools.is_subset(others),
        (Reach::All, Reach::Only(_)) => false,
    };
    reach && (than.admin || !user.admin) && (user.disabled || !than.disabled)
}

/// A copy to be changed, not yet withdrawn.
pub(super) fn again(user: &User) -> User {
    User {
        id: user.id,
        name: user.name.clone(),
        admin: user.admin,
        disabled: user.disabled,
        reach: user.reach.clone(),
        proof: user.proof.clone(),
        second: user.second.clone(),
        created: user.created,
        withdrawn: CancellationToken::new(),
    }
}

pub(super) fn place(id: UserId) -> String {
    format!("user/{id}/password")
}
