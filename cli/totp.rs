//! `drawbridge user totp`.

use crate::{Asker, Failure, level, output::Output, password, user};
use clap::Subcommand;
use drawbridge_protocol::{RecoveryCodes, Request, Secret, SecretField, TotpBegun, User};
use drawbridge_texts::Sentence;
use std::io::IsTerminal;

#[derive(Subcommand)]
pub(crate) enum Step {
    /// Show a QR code for an authenticator app; gives nothing before it is confirmed
    Begin,
    /// Turn it on with the first code of the app; shows the recovery codes and ends the user's sessions
    Confirm {
        /// Six digits; without them asked for on a terminal, else read from standard input
        code: Option<String>,
    },
    /// Make new recovery codes, shown once; the old ones are void
    Recovery,
    /// Take it away, and passkeys too; the password alone signs in again
    Remove,
}

pub(crate) async fn run(
    engine: &mut Asker,
    name: String,
    step: Step,
    output: &Output,
) -> Result<(), Failure> {
    match step {
        Step::Begin => {
            let begun: TotpBegun = engine.ask(Request::UserTotpBegin { name: name.clone() }).await?;
            let seed = begun.seed.0.expose();
            output.say(&Sentence::new("totp-scan").with("name", &name).with("seed", seed));
            output.print(&begun, |begun| {
                let uri = begun.uri.0.expose();
                format!("{uri}\n{}", level::qr(uri))
            });
            output.say(&Sentence::new("totp-next").with("name", &name));
        }
        Step::Confirm { code } => {
            let code = match code {
                Some(code) => Secret::new(code).into(),
                None => obtain(output)?,
            };
            let codes: RecoveryCodes = engine.ask(Request::UserTotpConfirm { name, code }).await?;
            output.say(&Sentence::new("totp-on").with("name", &codes.user.name));
            shown_once(&codes, output);
        }
        Step::Recovery => {
            let codes: RecoveryCodes = engine.ask(Request::UserRecoveryCodes { name }).await?;
            shown_once(&codes, output);
        }
        Step::Remove => {
            let user: User = engine.ask(Request::UserTotpRemove { name }).await?;
            output.say(&Sentence::new("totp-off").with("name", &user.name));
            output.print(&user, |user| user::table(std::slice::from_ref(user), output));
        }
    }
    Ok(())
}

/// None are made where there was a factor before.
fn shown_once(codes: &RecoveryCodes, output: &Output) {
    if codes.codes.is_empty() {
        return output.print(codes, |_| String::new());
    }
    output.say(&Sentence::new("recovery-codes-once"));
    output.print(codes, |codes| {
        codes.codes.iter().map(|code| format!("{}\n", code.0.expose())).collect::<String>()
    });
}

fn obtain(output: &Output) -> Result<SecretField, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return password::read_line();
    }
    Ok(Secret::new(password::ask(&Sentence::new("totp-code-prompt"), output)?).into())
}
