//! `drawbridge recovery` and `unlock`.

use crate::{Asker, Failure, output::Output, password};
use clap::Subcommand;
use drawbridge_protocol::{Request, Secret, SecretField};
use drawbridge_texts::Sentence;
use std::io::IsTerminal;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a recovery code, shown once; an older one stops working
    Create,
    /// Open sealed data with the recovery code, read from the terminal or standard input
    Use,
}

pub(crate) async fn run(engine: &mut Asker, command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Create => {
            let code: String = engine.ask(Request::RecoveryCreate).await?;
            output.say(&Sentence::new("recovery-once"));
            output.print(&code, Clone::clone);
        }
        Command::Use => {
            let code: SecretField = if std::io::stdin().is_terminal() {
                Secret::new(password::ask(&Sentence::new("recovery-prompt"), output)?).into()
            } else {
                password::read_line()?
            };
            let done = engine.value(Request::RecoveryUse { code }).await?;
            output.say(&Sentence::new("recovery-used"));
            output.print(&done, |_| String::new());
        }
    }
    Ok(())
}

pub(crate) async fn unlock(engine: &mut Asker, output: &Output) -> Result<(), Failure> {
    let done = engine.value(Request::Unlock).await?;
    output.say(&Sentence::new("unlocked"));
    output.print(&done, |_| String::new());
    Ok(())
}
