//! `drawbridge status`.

use crate::{
    Asker, Failure,
    output::{self, Output},
    tool,
};
use drawbridge_protocol::{DoorState, Headline, Request, Status};
use drawbridge_texts::Sentence;
use std::fmt::Write;

pub(crate) async fn run(engine: &mut Asker, output: &Output) -> Result<(), Failure> {
    let status: Status = engine.ask(Request::Status).await?;
    output.print(&status, |status| text(status, output));
    Ok(())
}

fn text(status: &Status, output: &Output) -> String {
    let headline = match status.headline {
        Headline::Closed => Sentence::new("headline-closed"),
        Headline::Lan if status.tools.iter().any(|tool| tool.anybody_until.is_some()) => {
            Sentence::new("headline-anybody")
        }
        Headline::Lan => Sentence::new("headline-lan"),
        Headline::Internet => Sentence::new("headline-internet"),
        Headline::Trouble => Sentence::new("headline-trouble"),
    };
    let mut text = format!("{}\n", output.text(&headline));
    for gate in &status.gate {
        let _ = writeln!(text, "{}  {gate}", output.text(&Sentence::new("status-gate")));
    }
    for tool in &status.tools {
        let _ = write!(text, "\n{}", tool::table(std::slice::from_ref(tool), output));
        for door in &tool.doors {
            let state = match door.state {
                DoorState::Open => Sentence::new("door-open"),
                DoorState::Failed => Sentence::new("door-not-open"),
            };
            let cause = door.cause.as_ref().map_or_else(String::new, |cause| format!(": {cause}"));
            let _ = writeln!(text, "  {}  {}{cause}", door.url, output.text(&state));
        }
    }
    if !status.visitors.is_empty() {
        text.push('\n');
    }
    for visitor in &status.visitors {
        let line = Sentence::new("status-visitor")
            .with("user", &visitor.user)
            .with("tool", &visitor.tool)
            .with("address", &visitor.address)
            .with("span", output.span(output::now().saturating_sub(visitor.since)));
        let _ = writeln!(text, "{}", output.text(&line));
    }
    for problem in &status.problems {
        let _ = writeln!(text, "\n! {}\n  {}\n  {}", problem.what, problem.why, problem.remedy);
    }
    text
}
