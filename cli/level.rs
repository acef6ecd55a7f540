//! `drawbridge level`, `url` and `close`.

use crate::{
    Asker, Failure,
    arguments::{duration, level_named, network_named},
    output::{self, Output},
    tool,
};
use clap::Args;
use drawbridge_protocol::{DoorState, Level, Request, Surroundings, Tool, WithoutPassword};
use drawbridge_texts::Sentence;
use std::{
    io::{BufRead, IsTerminal},
    time::Duration,
};

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
    /// With lan: anybody on this network may use it for a while (2h, at most 12h)
    #[arg(long, conflicts_with = "password")]
    no_password: bool,
    /// What network this is: home, or shared with strangers
    #[arg(long, requires = "no_password", value_parser = network_named)]
    network: Option<Surroundings>,
    /// With lan: ask for a password again
    #[arg(long, conflicts_with = "time")]
    password: bool,
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
    if (set.no_password || set.password) && set.level != Level::Lan {
        return Err(Failure::Usage(Sentence::new("level-password-lan")));
    }
    let for_seconds = set.time.map(|time| time.as_secs());
    let request = if set.no_password {
        let network = set.network.map_or_else(|| surroundings(output), Ok)?;
        Request::WithoutPassword(WithoutPassword { tool: set.name, network, for_seconds })
    } else if set.password {
        Request::WithPassword { tool: set.name }
    } else {
        Request::Level { tool: set.name, level: set.level, for_seconds }
    };
    let tool: Tool = engine.ask(request).await?;
    output.print(&tool, addresses);
    causes(&tool, output);
    anybody(tool.anybody_until, output);
    Ok(())
}

/// Asks the person at the terminal who else is in this network; without one there is no answer.
fn surroundings(output: &Output) -> Result<Surroundings, Failure> {
    let unanswered = || Failure::Usage(Sentence::new("network-unanswered"));
    if !std::io::stdin().is_terminal() {
        return Err(unanswered());
    }
    output.tell(&Sentence::new("network-question"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    network_named(answer.trim()).map_err(|_| unanswered())
}

/// Says for how long anybody may come in, where that is so.
fn anybody(until: Option<u64>, output: &Output) {
    if let Some(until) = until {
        let span = output.span(until.saturating_sub(output::now()));
        output.say(&Sentence::new("level-anybody").with("span", span));
    }
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
    anybody(url.anybody_until, output);
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
