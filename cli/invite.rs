//! `drawbridge user invite`, `invites` and `uninvite`.

use crate::{
    Asker, Failure,
    arguments::duration,
    level,
    output::{self, Output},
    user::reach,
};
use clap::Args;
use drawbridge_protocol::{Invite, InviteCreated, Reach, Request, UserInvite};
use drawbridge_texts::Sentence;
use std::time::Duration;

/// Make a link with which somebody sets their own password.
#[derive(Args)]
pub(crate) struct Make {
    /// The name to sign in with
    name: String,
    /// Kept with the account; gives no right yet
    #[arg(long)]
    admin: bool,
    /// Only these tools, separated by commas (default: all)
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    tools: Option<Vec<String>>,
    /// How long the link is good, such as 8h; 30d at most (default: 24h)
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Also as a QR code
    #[arg(long)]
    qr: bool,
}

pub(crate) async fn make(engine: &mut Asker, make: Make, output: &Output) -> Result<(), Failure> {
    let Make { name, admin, tools, time, qr } = make;
    let invite = UserInvite {
        name,
        admin,
        reach: tools.map_or(Reach::All, reach),
        for_seconds: time.map(|time| time.as_secs()),
    };
    let created: InviteCreated = engine.ask(Request::UserInvite(invite)).await?;
    output.print(&created, |created| {
        let InviteCreated { invite, url } = created;
        let end = output.until(invite.expires);
        output.say(&Sentence::new("invite-once").with("name", &invite.name).with("end", end));
        let code = if qr { level::qr(url.expose()) } else { String::new() };
        format!("{}\n{code}", url.expose())
    });
    Ok(())
}

pub(crate) async fn list(engine: &mut Asker, output: &Output) -> Result<(), Failure> {
    let invites: Vec<Invite> = engine.ask(Request::UserInvites).await?;
    output.print(&invites, |invites| {
        if invites.is_empty() {
            output.say(&Sentence::new("invites-none"));
        }
        table(invites, output)
    });
    Ok(())
}

pub(crate) async fn revoke(engine: &mut Asker, id: String, output: &Output) -> Result<(), Failure> {
    let done = engine.value(Request::UserUninvite { id }).await?;
    output.print(&done, |_| String::new());
    Ok(())
}

fn table(invites: &[Invite], output: &Output) -> String {
    let words = |sentence: Sentence| output.text(&sentence);
    let row = |invite: &Invite| {
        let tools = invite.tools.as_ref();
        vec![
            invite.id.clone(),
            invite.name.clone(),
            if invite.admin { words(Sentence::new("user-admin")) } else { String::new() },
            tools.map_or_else(|| words(Sentence::new("user-all-tools")), |tools| tools.join(", ")),
            output.until(invite.expires),
        ]
    };
    output::table(&invites.iter().map(row).collect::<Vec<_>>())
}
