//! `drawbridge share`: everything in one go. With a running engine it asks that one and returns; alone it runs one until
//! Ctrl-C, which closes the tool and keeps it listed.

use crate::{
    Asker, Failure,
    arguments::{duration, level_named},
    level,
    output::{self, Output},
    place::Place,
    serve,
    tool::network_target,
};
use clap::Args;
use drawbridge_engine::{Client, ClientError, Engine};
use drawbridge_protocol::{Level, Request, Secret, Status, Tool, ToolAdd, Url, User, UserAdd, UserCreated};
use drawbridge_texts::Sentence;
use serde::Serialize;
use std::{
    io::{BufRead, IsTerminal},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// Share one tool.
#[derive(Args)]
pub(crate) struct Share {
    /// The tool's port or URL
    target: String,
    /// How far: lan or internet
    #[arg(long, default_value = "lan", value_parser = level_named)]
    level: Level,
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// Closes by itself after this time
    #[arg(long = "for", default_value = "8h", value_parser = duration)]
    time: Duration,
    /// An address of this computer that is the local network (only without a running engine)
    #[arg(long, value_name = "ADDRESS")]
    lan: Vec<IpAddr>,
    /// The tool is on another machine, and that is meant
    #[arg(long)]
    allow_network_target: bool,
}

/// What was shared.
#[derive(Serialize)]
struct Shared {
    tool: Tool,
    url: String,
    user: Option<String>,
    #[serde(serialize_with = "Secret::serialize_exposed_option")]
    password: Option<Secret>,
}

/// Shares, and stays where nobody else keeps the door.
pub(crate) async fn run(place: &Place, share: Share, output: &Output) -> Result<(), Failure> {
    if share.level == Level::Local {
        return Err(Failure::Usage(Sentence::new("share-local")));
    }
    match Client::connect(&place.home()?).await {
        Ok(client) => {
            let mut asker = Asker::Client(client);
            let shared = open(&mut asker, &share, output).await?;
            show(&shared, output);
            Ok(())
        }
        Err(ClientError::NotRunning(_)) => alone(place, share, output).await,
        Err(error) => Err(error.into()),
    }
}

async fn alone(place: &Place, share: Share, output: &Output) -> Result<(), Failure> {
    crate::log::begin(place);
    // Before anything opens: from here on Ctrl-C closes it again.
    let wish = serve::StopWish::listen()?;
    let mut asker = start(place, share.lan.clone()).await?;
    let mut opened = open(&mut asker, &share, output).await;
    if let Err(Failure::NoNetwork(_)) = &opened
        && offers_loopback(output)
    {
        if let Asker::Engine(engine) = asker {
            engine.stop().await;
        }
        asker = start(place, vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]).await?;
        opened = open(&mut asker, &share, output).await;
    }
    let result = match opened {
        Ok(shared) => {
            show(&shared, output);
            if output.is_text() {
                output.say(&Sentence::new("share-until"));
                also_open(&mut asker, &shared.tool.id, output).await?;
            }
            let waited = tokio::select! {
                made = wish.made() => made,
                () = asker.ended() => Err(Failure::Refused(Sentence::new("engine-failed"))),
            };
            let request = Request::Level { tool: shared.tool.id, level: Level::Local, for_seconds: None };
            let closed = asker.value(request).await;
            waited.and(closed.map(drop))
        }
        Err(failure) => Err(failure),
    };
    if let Asker::Engine(engine) = asker {
        engine.stop().await;
    }
    result
}

/// Other tools that were open before are open again with this engine, and the owner should know.
async fn also_open(asker: &mut Asker, own: &str, output: &Output) -> Result<(), Failure> {
    let tools: Vec<Tool> = asker.ask(Request::ToolList).await?;
    for tool in tools.iter().filter(|tool| tool.id != own && tool.level > Level::Local) {
        output.say(&Sentence::new("share-also-open").with("tool", &tool.name).quoting("level", &tool.level));
    }
    Ok(())
}

async fn start(place: &Place, lan: Vec<IpAddr>) -> Result<Asker, Failure> {
    Ok(Asker::Engine(Box::new(Engine::start(serve::configuration(place, lan)?).await?)))
}

/// Adds the tool where it is new, makes a first user where there is none, raises.
async fn open(asker: &mut Asker, share: &Share, output: &Output) -> Result<Shared, Failure> {
    // First, so that a closed keyring refuses before anything is made.
    let users: Vec<User> = asker.ask(Request::UserList).await?;
    let (tool, added) = tool(asker, share, output).await?;
    let (user, password) = if users.is_empty() {
        let add = UserAdd {
            name: first_user(),
            admin: true,
            reach: drawbridge_protocol::Reach::All,
            password: None,
        };
        let created: UserCreated = asker.ask(Request::UserAdd(add)).await?;
        (Some(created.user.name), created.password)
    } else {
        (None, None)
    };
    let request =
        Request::Level { tool: tool.id.clone(), level: share.level, for_seconds: Some(share.time.as_secs()) };
    let raised: Result<Tool, Failure> = asker.ask(request).await;
    match raised {
        Ok(tool) => {
            let url: Url = asker.ask(Request::Url { tool: Some(tool.id.clone()) }).await?;
            Ok(Shared { tool, url: url.url, user, password })
        }
        Err(failure) => {
            // Nothing half-made stays behind: not a tool nobody asked to keep, not a user whose passphrase nobody saw.
            if added {
                let _ = asker.value(Request::ToolRemove { tool: tool.id }).await;
            }
            if let Some(name) = user {
                let _ = asker.value(Request::UserRemove { name }).await;
            }
            Err(failure)
        }
    }
}

async fn tool(asker: &mut Asker, share: &Share, output: &Output) -> Result<(Tool, bool), Failure> {
    let status: Status = asker.ask(Request::Status).await?;
    let port = share.target.parse::<u16>().ok();
    let same = |tool: &&Tool| {
        tool.target == share.target.trim_end_matches('/')
            || port.is_some_and(|port| tool.target == format!("http://127.0.0.1:{port}"))
    };
    if let Some(known) = status.tools.iter().find(same) {
        match &share.name {
            Some(name) if *name != known.name => {
                return Err(Failure::Refused(Sentence::new("share-other-name").with("name", &known.name)));
            }
            _ => return Ok((known.clone(), false)),
        }
    }
    let name = share.name.clone().unwrap_or_else(|| match port {
        Some(port) => output.text(&Sentence::new("share-name-of-port").with("port", port)),
        None => {
            let rest = share.target.split_once("://").map_or(share.target.as_str(), |(_, rest)| rest);
            rest.trim_end_matches('/').to_owned()
        }
    });
    let network_target = network_target(share.allow_network_target);
    let add = ToolAdd { name, target: share.target.clone(), network_target };
    Ok((asker.ask(Request::ToolAdd(add)).await?, true))
}

fn show(shared: &Shared, output: &Output) {
    output.print(shared, |shared| {
        let mut text = shared.url.clone();
        text.push('\n');
        if let (Some(user), Some(password)) = (&shared.user, &shared.password) {
            let once = format!("{}  {}", password.expose(), output.text(&Sentence::new("share-shown-once")));
            text.push_str(&output::table(&[
                vec![output.text(&Sentence::new("share-credential-name")), user.clone()],
                vec![output.text(&Sentence::new("share-credential-password")), once],
            ]));
        }
        text.push_str(&level::qr(&shared.url));
        text
    });
    level::causes(&shared.tool, output);
}

fn offers_loopback(output: &Output) -> bool {
    if !std::io::stdin().is_terminal() {
        output.tell(&Sentence::new("share-try-hint"));
        return false;
    }
    output.tell(&Sentence::new("share-try-question"));
    let mut answer = String::new();
    // Nothing is open yet, so Ctrl-C at the question may simply end the program.
    let at_question = serve::StopWish::listen().map(|wish| {
        tokio::spawn(async move {
            let _ = wish.made().await;
            std::process::exit(1);
        })
    });
    let read = std::io::stdin().lock().read_line(&mut answer);
    if let Ok(task) = at_question {
        task.abort();
    }
    read.is_ok() && answer.trim().to_lowercase() == output.text(&Sentence::new("share-try-yes"))
}

/// The name of the first user: the person's own on this computer.
fn first_user() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"];
    let name = names.iter().filter_map(|name| std::env::var(name).ok()).find(|name| !name.is_empty());
    name.filter(|name| !name.contains([':', '/'])).unwrap_or_else(|| "owner".to_owned())
}
