//! `drawbridge level`, `url` and `close`.

use crate::{
    Asker, Failure,
    arguments::{duration, level_named},
    output::Output,
    tool,
};
use clap::Args;
use drawbridge_protocol::{DoorState, Level, Request, Tool};
use drawbridge_texts::Sentence;
use std::time::Duration;

/// Choose how far a tool is reachable.
#[derive(Args)]
pub(crate) struct Set {
    /// The tool's name or id
    name: String,
    /// local, lan or internet
    #[arg(value_parser = level_named)]
    level: Level,
    /// Closes by itself after this time
    #[arg(long = "for", value_parser = duration)]
    time: Option<Duration>,
}

/// Print a share URL.
#[derive(Args)]
pub(crate) struct Url {
    /// The tool's name or id; without it, the gate
    name: Option<String>,
    /// Also as a QR code
    #[arg(long)]
    qr: bool,
}

pub(crate) async fn set(engine: &mut Asker, set: Set, output: &Output) -> Result<(), Failure> {
    let for_seconds = set.time.map(|time| time.as_secs());
    let tool: Tool = engine.ask(Request::Level { tool: set.name, level: set.level, for_seconds }).await?;
    output.print(&tool, addresses);
    causes(&tool, output);
    Ok(())
}

/// A tool's open addresses, one per line.
pub(crate) fn addresses(tool: &Tool) -> String {
    let open = tool.doors.iter().filter(|door| door.state == DoorState::Open);
    open.map(|door| format!("{}\n", door.url)).collect()
}

/// What is special about a tool's doors, as talk.
pub(crate) fn causes(tool: &Tool, output: &Output) {
    for door in tool.doors.iter().filter(|door| door.level <= tool.level) {
        if let Some(cause) = &door.cause {
            output.say(&Sentence::new("door-remark").with("url", &door.url).with("cause", cause));
        }
    }
}

pub(crate) async fn url(engine: &mut Asker, command: &Url, output: &Output) -> Result<(), Failure> {
    let url: drawbridge_protocol::Url = engine.ask(Request::Url { tool: command.name.clone() }).await?;
    output.print(&url, |url| {
        let code = if command.qr { qr(&url.url) } else { String::new() };
        format!("{}\n{code}", url.url)
    });
    Ok(())
}

pub(crate) async fn close(engine: &mut Asker, output: &Output) -> Result<(), Failure> {
    let tools: Vec<Tool> = engine.ask(Request::Close).await?;
    output.print(&tools, |tools| tool::table(tools, output));
    Ok(())
}

/// A QR code of block letters, or nothing where the text is too long for one.
pub(crate) fn qr(text: &str) -> String {
    fast_qr::QRBuilder::new(text).build().map_or_else(|_| String::new(), |code| code.to_str())
}
