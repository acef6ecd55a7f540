//! `drawbridge secret`.

use crate::{Asker, Failure, output::Output, password};
use clap::{Args, Subcommand};
use drawbridge_protocol::{Request, Secret, SecretField, SecretPlace, SecretSet, Tool};
use drawbridge_texts::Sentence;
use std::io::IsTerminal;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Give a tool a secret: it goes with every request, and no browser ever holds it. Asked for on a terminal, else read
    /// from standard input
    Set {
        /// The tool's name or id
        tool: String,
        #[command(flatten)]
        place: Place,
    },
    /// Take a secret away
    Remove {
        /// The tool's name or id
        tool: String,
        /// The secret, as the list calls it
        secret: String,
    },
    /// List the secrets of every tool, or of one: their places, never their values
    List {
        /// The tool's name or id
        tool: Option<String>,
    },
}

/// Where the tool looks for it.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Place {
    /// In this header field, as its whole value
    #[arg(long, value_name = "NAME")]
    header: Option<String>,
    /// As the password of HTTP Basic, with this user name
    #[arg(long, value_name = "USER")]
    basic: Option<String>,
    /// As a Bearer token
    #[arg(long)]
    bearer: bool,
    /// In this parameter of the query
    #[arg(long, value_name = "NAME")]
    query: Option<String>,
    /// As aria2's --rpc-secret
    #[arg(long)]
    aria2: bool,
}

impl Place {
    fn into_place(self) -> SecretPlace {
        match self {
            Self { header: Some(name), .. } => SecretPlace::Header { name },
            Self { basic: Some(user), .. } => SecretPlace::Basic { user },
            Self { query: Some(name), .. } => SecretPlace::Query { name },
            Self { bearer: true, .. } => SecretPlace::Bearer,
            // The group lets nothing else through.
            _ => SecretPlace::Aria2,
        }
    }
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    let tools: Vec<Tool> = match command {
        Command::Set { tool, place } => {
            let value = obtain(output)?;
            let set = SecretSet { tool, place: place.into_place(), value };
            vec![engine.ask(Request::SecretSet(set)).await?]
        }
        Command::Remove { tool, secret } => vec![engine.ask(Request::SecretRemove { tool, secret }).await?],
        Command::List { tool } => {
            let tools: Vec<Tool> = engine.ask(Request::ToolList).await?;
            match tool {
                None => tools,
                Some(name) => vec![named(tools, &name)?],
            }
        }
    };
    let secrets: Vec<(&str, &[String])> =
        tools.iter().map(|tool| (tool.name.as_str(), tool.secrets.as_slice())).collect();
    let shown: Vec<_> =
        secrets.iter().map(|(tool, secrets)| serde_json::json!({"tool": tool, "secrets": secrets})).collect();
    output.print(&shown, |_| {
        let rows = secrets.iter().flat_map(|(tool, secrets)| {
            secrets.iter().map(|secret| vec![(*tool).to_owned(), secret.clone()])
        });
        crate::output::table(&rows.collect::<Vec<_>>())
    });
    Ok(())
}

fn named(tools: Vec<Tool>, name: &str) -> Result<Tool, Failure> {
    let lower = name.to_lowercase();
    let found = tools.into_iter().find(|tool| tool.id == name || tool.name.to_lowercase() == lower);
    found.ok_or_else(|| Failure::Refused(Sentence::new("tool-unknown").with("name", name)))
}

fn obtain(output: &Output) -> Result<SecretField, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return password::read_line();
    }
    let text = password::ask(&Sentence::new("secret-prompt"), output)?;
    Ok(Secret::new(text).into())
}
