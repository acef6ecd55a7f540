//! `drawbridge settings`.

use crate::{
    Asker, Failure,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::Request;
use std::collections::BTreeMap;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print one setting, or all
    Get {
        /// Its name
        key: Option<String>,
    },
    /// Change one setting
    Set {
        /// Its name
        key: String,
        /// Its value; empty for the default
        value: String,
    },
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    let (request, single) = match command {
        Command::Get { key } => (Request::SettingsGet { key: key.clone() }, key.is_some()),
        Command::Set { key, value } => (Request::SettingsSet { key, value }, true),
    };
    let values: BTreeMap<String, String> = engine.ask(request).await?;
    output.print(&values, |values| {
        if single {
            return values.values().cloned().collect();
        }
        let rows: Vec<Vec<String>> =
            values.iter().map(|(key, value)| vec![key.clone(), value.clone()]).collect();
        output::table(&rows)
    });
    Ok(())
}
