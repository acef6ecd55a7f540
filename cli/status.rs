//! `drawbridge status`.

use crate::{
    Asker, Failure,
    output::{self, Output},
    tool,
};
use drawbridge_protocol::{DoorState, Headline, Request, Status};
use std::fmt::Write;

pub(crate) async fn run(engine: &mut Asker, output: &Output) -> Result<(), Failure> {
    let status: Status = engine.ask(Request::Status).await?;
    output.print(&status, text);
    Ok(())
}

fn text(status: &Status) -> String {
    let headline = match status.headline {
        Headline::Closed => "Nothing is reachable from elsewhere.",
        Headline::Lan => "Open on the local network, with password.",
        Headline::Internet => "Open from the internet, over HTTPS with password.",
        Headline::Trouble => "Not everything you opened is open; see below.",
    };
    let mut text = format!("{headline}\n");
    for gate in &status.gate {
        let _ = writeln!(text, "gate  {gate}");
    }
    for tool in &status.tools {
        let _ = write!(text, "\n{}", tool::table(std::slice::from_ref(tool)));
        for door in &tool.doors {
            let state = if door.state == DoorState::Open { "open" } else { "not open" };
            let cause = door.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
            let _ = writeln!(text, "  {}  {state}{cause}", door.url);
        }
    }
    if !status.visitors.is_empty() {
        text.push('\n');
    }
    for visitor in &status.visitors {
        let since = output::span(output::now().saturating_sub(visitor.since));
        let _ =
            writeln!(text, "{} uses {} from {} since {since}", visitor.user, visitor.tool, visitor.address);
    }
    for problem in &status.problems {
        let _ = writeln!(text, "\n! {}\n  {}\n  {}", problem.what, problem.why, problem.remedy);
    }
    text
}
