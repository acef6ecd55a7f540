//! `drawbridge tool`.

use crate::{
    Asker, Failure,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::{NetworkTarget, Request, Tool, ToolAdd};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Add a tool; it stays reachable on this computer only
    Add {
        /// The name people see
        name: String,
        /// Its port or URL
        url: String,
        /// It is on another machine, and that is meant
        #[arg(long)]
        allow_network_target: bool,
    },
    /// Close a tool and forget it
    Remove {
        /// Its name or id
        name: String,
    },
    /// List tools
    List,
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Add { name, url, allow_network_target } => {
            let network_target =
                if allow_network_target { NetworkTarget::Allowed } else { NetworkTarget::Refused };
            let add = ToolAdd { name, target: url, network_target };
            let tool: Tool = engine.ask(Request::ToolAdd(add)).await?;
            output.print(&tool, |tool| tool.id.clone());
        }
        Command::Remove { name } => {
            let done = engine.value(Request::ToolRemove { tool: name }).await?;
            output.print(&done, |_| String::new());
        }
        Command::List => {
            let tools: Vec<Tool> = engine.ask(Request::ToolList).await?;
            output.print(&tools, |tools| table(tools));
        }
    }
    Ok(())
}

/// Tools as a table.
pub(crate) fn table(tools: &[Tool]) -> String {
    let row = |tool: &Tool| {
        let level = if tool.level == tool.wanted {
            tool.level.to_string()
        } else {
            format!("{} (wanted: {})", tool.level, tool.wanted)
        };
        let left = tool.until.map_or_else(String::new, |until| {
            format!("for {}", output::span(until.saturating_sub(output::now())))
        });
        vec![tool.name.clone(), level, tool.target.clone(), left]
    };
    output::table(&tools.iter().map(row).collect::<Vec<_>>())
}
