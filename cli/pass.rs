//! `drawbridge pass`.

use crate::{
    Asker, Failure,
    arguments::duration,
    level,
    output::{self, Output},
};
use clap::{Args, Subcommand};
use drawbridge_protocol::{Pass, PassCreate, PassCreated, Request};
use drawbridge_texts::Sentence;
use std::time::Duration;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a link with which a guest uses one tool, on the first device that opens it
    Create(Create),
    /// List open passes
    List,
    /// Revoke one; its guest is out within a second
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Args)]
pub(crate) struct Create {
    /// The tool it opens
    tool: String,
    /// How long it is good, such as 30m; from 1m to 7d (default: 4h)
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Whom it is for, such as `plumber`
    #[arg(long, value_name = "TEXT", default_value = "")]
    label: String,
    /// The guest may only look
    #[arg(long)]
    read_only: bool,
    /// Also as a QR code
    #[arg(long)]
    qr: bool,
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Create(Create { tool, time, label, read_only, qr }) => {
            let for_seconds = time.map(|time| time.as_secs());
            let create = PassCreate { tool, label, for_seconds, read_only };
            let created: PassCreated = engine.ask(Request::PassCreate(create)).await?;
            output.print(&created, |created| {
                let PassCreated { pass, url } = created;
                let end = output.until(pass.expires);
                output.say(&Sentence::new("pass-once").with("tool", &pass.tool).with("end", end));
                let code = if qr { level::qr(url.expose()) } else { String::new() };
                format!("{}\n{code}", url.expose())
            });
        }
        Command::List => {
            let passes: Vec<Pass> = engine.ask(Request::PassList).await?;
            output.print(&passes, |passes| {
                if passes.is_empty() {
                    output.say(&Sentence::new("passes-no-open"));
                }
                table(passes, output)
            });
        }
        Command::Revoke { id } => {
            let done = engine.value(Request::PassRevoke { id }).await?;
            output.print(&done, |_| String::new());
        }
    }
    Ok(())
}

fn table(passes: &[Pass], output: &Output) -> String {
    let words = |sentence: Sentence| output.text(&sentence);
    let row = |pass: &Pass| {
        let device = pass.device.as_ref();
        vec![
            pass.id.clone(),
            pass.tool.clone(),
            pass.label.clone(),
            pass.maker.clone().unwrap_or_else(|| words(Sentence::new("pass-by-owner"))),
            if pass.read_only { words(Sentence::new("pass-read-only")) } else { String::new() },
            device.map_or_else(|| words(Sentence::new("pass-waiting")), |device| device.address.clone()),
            device.map_or_else(String::new, |device| output.seen(device.last_seen)),
            output.until(pass.expires),
        ]
    };
    output::table(&passes.iter().map(row).collect::<Vec<_>>())
}
