//! `drawbridge tool`.

use crate::{
    Asker, Failure,
    arguments::switch,
    level,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::{NetworkTarget, PlainHttp, Request, Tool, ToolAdd, ToolSet};
use drawbridge_texts::Sentence;

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
    /// Change a tool's name, target or ports
    Set {
        /// Its name or id
        name: String,
        /// A new name
        #[arg(long = "name", value_name = "NEW")]
        new_name: Option<String>,
        /// A new port or URL; only while the tool is local
        #[arg(long)]
        url: Option<String>,
        /// The new target is on another machine, and that is meant
        #[arg(long)]
        allow_network_target: bool,
        /// A new port of its LAN door
        #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
        lan_port: Option<u16>,
        /// A new port of its internet door, where there is no domain
        #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
        internet_port: Option<u16>,
        /// Header field in which the tool is told who signed in, like Remote-User; empty for none
        #[arg(long, value_name = "NAME")]
        identity_header: Option<String>,
        /// Other websites whose pages may use the tool with a name and password, between commas; empty for none
        #[arg(long, value_name = "LIST")]
        origins: Option<String>,
        /// Whether it is answered without encryption too, on the local network
        #[arg(long, value_name = "on|off", value_parser = switch)]
        plain_http: Option<bool>,
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
        Command::Set {
            name,
            new_name,
            url,
            allow_network_target,
            lan_port,
            internet_port,
            identity_header,
            origins,
            plain_http,
        } => {
            let list = |text: String| {
                text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
            };
            let set = ToolSet {
                tool: name,
                name: new_name,
                target: url,
                network_target: network_target(allow_network_target),
                lan_port,
                internet_port,
                identity_header,
                allowed_origins: origins.map(list),
                plain_http,
            };
            let tool: Tool = engine.ask(Request::ToolSet(set)).await?;
            output.print(&tool, level::addresses);
            level::causes(&tool, output);
            if tool.plain_http == Some(PlainHttp::On) {
                output.say(&Sentence::new("plain-warning-owner"));
            }
        }
        Command::Add { name, url, allow_network_target } => {
            let network_target = network_target(allow_network_target);
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
            output.print(&tools, |tools| table(tools, output));
        }
    }
    Ok(())
}

/// What the flag means.
pub(crate) const fn network_target(allowed: bool) -> NetworkTarget {
    if allowed { NetworkTarget::Allowed } else { NetworkTarget::Refused }
}

/// Tools as a table.
pub(crate) fn table(tools: &[Tool], output: &Output) -> String {
    let row = |tool: &Tool| {
        let level = if let Some(until) = tool.anybody_until {
            let span = output.span(until.saturating_sub(output::now()));
            output.text(&Sentence::new("tool-level-anybody").quoting("level", &tool.level).with("span", span))
        } else if tool.level == tool.wanted {
            tool.level.to_string()
        } else {
            let sentence = Sentence::new("tool-level-wanted")
                .quoting("level", &tool.level)
                .quoting("wanted", &tool.wanted);
            output.text(&sentence)
        };
        let left = tool.until.map_or_else(String::new, |until| {
            let span = output.span(until.saturating_sub(output::now()));
            output.text(&Sentence::new("tool-closes-in").with("span", span))
        });
        vec![tool.name.clone(), level, tool.target.clone(), left]
    };
    output::table(&tools.iter().map(row).collect::<Vec<_>>())
}
