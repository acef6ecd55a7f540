//! `drawbridge session`.

use crate::{
    Asker, Failure,
    output::{self, Output},
};
use clap::Subcommand;
use drawbridge_protocol::{Request, Session};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List sign-ins of browsers and programs
    List,
    /// End one; its visitor is out within a second
    End {
        /// Its id
        id: String,
    },
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::List => {
            let sessions: Vec<Session> = engine.ask(Request::SessionList).await?;
            output.print(&sessions, |sessions| table(sessions, output));
        }
        Command::End { id } => {
            let done = engine.value(Request::SessionEnd { id }).await?;
            output.print(&done, |_| String::new());
        }
    }
    Ok(())
}

fn table(sessions: &[Session], output: &Output) -> String {
    let row = |session: &Session| {
        vec![
            session.id.clone(),
            session.user.clone(),
            session.address.clone(),
            session.level.to_string(),
            session.tools.join(", "),
            output.seen(session.last_seen),
        ]
    };
    output::table(&sessions.iter().map(row).collect::<Vec<_>>())
}
