//! `drawbridge user`.

use crate::{
    Asker, Failure, invite,
    output::{self, Output},
    passkey, password, totp,
};
use clap::Subcommand;
use drawbridge_protocol::{Reach, Request, User, UserAdd, UserCreated, UserImport, UserSet};
use drawbridge_texts::Sentence;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a user
    Add {
        /// The name to sign in with
        name: String,
        /// Kept with the account; gives no right yet
        #[arg(long)]
        admin: bool,
        /// Only these tools, separated by commas (default: all)
        #[arg(long, value_delimiter = ',', value_name = "A,B")]
        tools: Option<Vec<String>>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make a link with which somebody sets their own password; it is shown once
    Invite(invite::Make),
    /// List open invites
    Invites,
    /// Revoke an open invite
    Uninvite {
        /// Its id
        id: String,
    },
    /// Add the users of an htpasswd file, with their passwords
    Import {
        /// The file; `-` for standard input
        file: PathBuf,
        /// Only these tools, separated by commas (default: all)
        #[arg(long, value_delimiter = ',', value_name = "A,B")]
        tools: Option<Vec<String>>,
    },
    /// Set a new password; ends the user's sessions and tokens
    Passwd {
        /// The user
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change what a user may do
    Set {
        /// The user
        name: String,
        /// May administer: true or false
        #[arg(long)]
        admin: Option<bool>,
        /// Only these tools, separated by commas; `*` for all
        #[arg(long, value_delimiter = ',', value_name = "A,B")]
        tools: Option<Vec<String>>,
        /// Nobody gets in with it: true or false
        #[arg(long)]
        disabled: Option<bool>,
    },
    /// Remove a user; ends the user's sessions and tokens
    Remove {
        /// The user
        name: String,
    },
    /// List the passkeys of a user
    Passkeys {
        /// The user
        name: String,
    },
    /// Remove a passkey of a user; ends the user's sessions
    PasskeyRemove {
        /// The user
        name: String,
        /// Its id
        id: String,
    },
    /// Second factor: a code of an authenticator app besides the password
    Totp {
        /// The user
        name: String,
        #[command(subcommand)]
        step: totp::Step,
    },
    /// List users
    List,
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Add { name, admin, tools, password_stdin } => {
            let password = password::obtain(&name, password_stdin, output)?;
            let reach = tools.map_or(Reach::All, reach);
            let created: UserCreated =
                engine.ask(Request::UserAdd(UserAdd { name, admin, reach, password })).await?;
            output.print(&created, |created| shown_once(created, output));
            judge(&created, output);
        }
        Command::Invite(make) => invite::make(engine, make, output).await?,
        Command::Invites => invite::list(engine, output).await?,
        Command::Uninvite { id } => invite::revoke(engine, id, output).await?,
        Command::Import { file, tools } => {
            let lines = password::read_list(&file)?;
            let reach = tools.map_or(Reach::All, reach);
            let users: Vec<User> = engine.ask(Request::UserImport(UserImport { lines, reach })).await?;
            output.say(&Sentence::new("users-imported").with("count", users.len()));
            output.print(&users, |users| table(users, output));
        }
        Command::Passwd { name, password_stdin } => {
            let password = password::obtain(&name, password_stdin, output)?;
            let created: UserCreated = engine.ask(Request::UserPassword { name, password }).await?;
            output.print(&created, |created| shown_once(created, output));
            judge(&created, output);
        }
        Command::Set { name, admin, tools, disabled } => {
            let set = UserSet { name, admin, reach: tools.map(reach), disabled };
            let user: User = engine.ask(Request::UserSet(set)).await?;
            output.print(&user, |user| table(std::slice::from_ref(user), output));
        }
        Command::Remove { name } => {
            let done = engine.value(Request::UserRemove { name }).await?;
            output.print(&done, |_| String::new());
        }
        Command::Passkeys { name } => passkey::list(engine, name, output).await?,
        Command::PasskeyRemove { name, id } => passkey::remove(engine, name, id, output).await?,
        Command::Totp { name, step } => totp::run(engine, name, step, output).await?,
        Command::List => {
            let users: Vec<User> = engine.ask(Request::UserList).await?;
            output.print(&users, |users| table(users, output));
        }
    }
    Ok(())
}

pub(crate) fn reach(tools: Vec<String>) -> Reach {
    if tools.iter().any(|tool| tool == "*") {
        return Reach::All;
    }
    Reach::Only(tools.into_iter().filter(|tool| !tool.is_empty()).collect())
}

fn shown_once(created: &UserCreated, output: &Output) -> String {
    match &created.password {
        Some(password) => {
            output.say(&Sentence::new("passphrase-once"));
            password.expose().to_owned()
        }
        None => {
            output.say(&Sentence::new("password-set").with("name", &created.user.name));
            String::new()
        }
    }
}

/// Says what a password that somebody chose is not enough for.
fn judge(created: &UserCreated, output: &Output) {
    if created.password.is_none() && !created.user.strong {
        output.say(&Sentence::new("password-lan-only"));
    }
}

pub(crate) fn table(users: &[User], output: &Output) -> String {
    let words = |sentence: Sentence| output.text(&sentence);
    let row = |user: &User| {
        let tools = user.tools.as_ref();
        let tools = tools.map_or_else(|| words(Sentence::new("user-all-tools")), |tools| tools.join(", "));
        let seen = user.last_seen.map_or_else(String::new, |seen| output.seen(seen));
        vec![
            user.name.clone(),
            if user.admin { words(Sentence::new("user-admin")) } else { String::new() },
            tools,
            words(proof(user)),
            seen,
        ]
    };
    output::table(&users.iter().map(row).collect::<Vec<_>>())
}

/// What an account proves, in two or three words.
fn proof(user: &User) -> Sentence {
    if user.disabled {
        Sentence::new("user-disabled")
    } else if user.factors.iter().any(|factor| factor != "password") {
        Sentence::new("user-second-factor")
    } else if user.strong {
        Sentence::new("user-strong")
    } else if user.unproven {
        Sentence::new("user-unproven")
    } else {
        Sentence::new("user-weak")
    }
}
