//! `drawbridge`: the terminal shell. It decides nothing: every command is a request to the engine, printed.
//!
//! stdout is data, stderr is talk. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 engine not running.

mod approval;
mod arguments;
mod asker;
mod certificate;
mod events;
mod invite;
mod level;
mod log;
mod output;
mod pass;
mod passkey;
mod password;
mod place;
mod recovery;
mod secret;
mod serve;
mod session;
mod settings;
mod share;
mod status;
mod token;
mod tool;
mod totp;
mod user;

use arguments::{Arguments, Command};
use asker::{Asker, Failure};
use clap::Parser;
use drawbridge_texts::Tell;
use output::Output;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new(arguments.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments, &output)),
        Err(error) => Err(Failure::from(error)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.complain(&failure.sentence());
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let Arguments { place, command, .. } = arguments;
    match command {
        Command::Serve(serve) => return serve::run(&place, serve).await,
        Command::Share(share) => return share::run(&place, share, output).await,
        _ => {}
    }
    let mut engine = Asker::connect(&place).await?;
    match command {
        Command::Tool(command) => tool::run(&mut engine, command, output).await,
        Command::Secret(command) => secret::run(&mut engine, command, output).await,
        Command::Level(command) => level::set(&mut engine, command, output).await,
        Command::Url(command) => level::url(&mut engine, &command, output).await,
        Command::Close => level::close(&mut engine, output).await,
        Command::User(command) => user::run(&mut engine, command, output).await,
        Command::Session(command) => session::run(&mut engine, command, output).await,
        Command::Approval(command) => approval::run(&mut engine, command, output).await,
        Command::Token(command) => token::run(&mut engine, command, output).await,
        Command::Pass(command) => pass::run(&mut engine, command, output).await,
        Command::Certificate(command) => certificate::run(&mut engine, command, output).await,
        Command::Settings(command) => settings::run(&mut engine, command, output).await,
        Command::Recovery(command) => recovery::run(&mut engine, command, output).await,
        Command::Unlock => recovery::unlock(&mut engine, output).await,
        Command::Status => status::run(&mut engine, output).await,
        Command::Events => events::run(engine).await,
        Command::Serve(_) | Command::Share(_) => Ok(()),
    }
}
