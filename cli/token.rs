//! `drawbridge token`.

use crate::{
    Asker, Failure,
    arguments::duration,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::{Request, Token, TokenCreate, TokenCreated};
use drawbridge_texts::Sentence;
use std::time::Duration;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a password for one device or program; it is shown once
    Create {
        /// The user it opens for
        user: String,
        /// What it is for, such as `phone`
        #[arg(long, default_value = "")]
        name: String,
        /// The one tool it opens (default: every tool of the user)
        #[arg(long)]
        tool: Option<String>,
        /// When it ends by itself, such as 30d (default: never)
        #[arg(long, value_name = "TIME", value_parser = duration)]
        expires: Option<Duration>,
    },
    /// List tokens
    List,
    /// Revoke one; what came in through it is out within a second
    Revoke {
        /// Its id
        id: String,
    },
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Create { user, name, tool, expires } => {
            let expires_seconds = expires.map(|expires| expires.as_secs());
            let create = TokenCreate { user, name, tool, expires_seconds };
            let created: TokenCreated = engine.ask(Request::TokenCreate(create)).await?;
            output.print(&created, |created| {
                output.say(&Sentence::new("token-once"));
                created.secret.expose().to_owned()
            });
        }
        Command::List => {
            let tokens: Vec<Token> = engine.ask(Request::TokenList).await?;
            output.print(&tokens, |tokens| table(tokens, output));
        }
        Command::Revoke { id } => {
            let done = engine.value(Request::TokenRevoke { id }).await?;
            output.print(&done, |_| String::new());
        }
    }
    Ok(())
}

fn table(tokens: &[Token], output: &Output) -> String {
    let row = |token: &Token| {
        let tool = token.tool.clone().unwrap_or_else(|| output.text(&Sentence::new("user-all-tools")));
        let seen = token.last_seen.map(|seen| output.seen(seen));
        vec![
            token.id.clone(),
            token.user.clone(),
            token.name.clone(),
            tool,
            seen.unwrap_or_else(|| output.text(&Sentence::new("token-unused"))),
            token.expires.map_or_else(String::new, |end| output.until(end)),
        ]
    };
    output::table(&tokens.iter().map(row).collect::<Vec<_>>())
}
