//! The first bytes of a connection to a door: a handshake, plain HTTP, or noise. Over a socket of this computer, because
//! that is what the stage takes.

use super::{request::Ground, wire};
use crate::{
    certificates::{self, Identities, Names},
    proxy::{door::Door, plain, tls},
};
use drawbridge_protocol::Level;
use socket2::SockRef;
use std::{
    cell::OnceCell,
    net::Ipv4Addr,
    sync::{Arc, RwLock},
    time::{Duration, SystemTime},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

thread_local! {
    static IDENTITIES: OnceCell<Identities> = const { OnceCell::new() };
}

/// Everything a stranger says before anything was agreed on.
pub fn first_bytes(bytes: &[u8]) {
    IDENTITIES.with(|identities| {
        let identities = identities.get_or_init(shown);
        let doors: RwLock<Vec<Arc<Door>>> = RwLock::new(vec![Arc::new(Ground::new().door)]);
        wire::run(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
            let address = listener.local_addr().expect("bound");
            let (visitor, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (mut visitor, (stream, _)) = (visitor.expect("connected"), accepted.expect("accepted"));
            // Else thousands of closed connections would use up the ports.
            SockRef::from(&visitor).set_linger(Some(Duration::ZERO)).expect("a socket");
            let talking = async {
                let _ = visitor.write_all(bytes).await;
                let _ = visitor.shutdown().await;
                let mut answer = Vec::new();
                let _ = visitor.read_to_end(&mut answer).await;
                answer
            };
            let opening = async {
                match tls::open(stream, address, Level::Lan, &doors, identities).await {
                    Ok(tls::Opening::Tls(_)) => panic!("a handshake was completed without its second half"),
                    Ok(tls::Opening::Plain(stream)) => {
                        assert_ne!(bytes.first(), Some(&22));
                        let _ = plain::serve(stream, &doors).await;
                    }
                    Err(_) => {
                        assert!(bytes.first().is_none_or(|first| *first == 22), "plain HTTP is told apart")
                    }
                }
            };
            let (answer, ()) = tokio::join!(talking, opening);
            if bytes.first().is_some_and(|first| *first != 22) {
                judge(&answer);
            }
        });
    });
}

/// Nothing for a stranger, or one redirect to the same place of the door; hyper's own words for what is no HTTP.
fn judge(answer: &[u8]) {
    let Some(message) = wire::read(answer) else {
        assert!(answer.is_empty(), "half an answer");
        return;
    };
    assert_eq!(message.length, Some(answer.len()), "more than one answer");
    // A query may have letters that are not ASCII; they go back as they came.
    let location =
        message.headers.get("location").map(|location| String::from_utf8_lossy(location.as_bytes()));
    match message.line.split(' ').nth(1) {
        Some("308") => {
            let there = url::Url::parse(&location.expect("a redirect says where to")).expect("a URL");
            let origin = there.origin().ascii_serialization();
            assert!(["https://192.168.1.5:8444", "https://nas.lan:8444"].contains(&&*origin), "{origin}");
        }
        Some("400" | "414" | "431" | "505") => assert_eq!(location, None),
        other => panic!("a stranger is told {other:?}"),
    }
}

fn shown() -> Identities {
    let identities = Identities::new().expect("ticket keys");
    let names = Names::new([Ipv4Addr::LOCALHOST.into()], ["nas.lan"]);
    let leaf = certificates::self_signed(&names, SystemTime::now()).expect("a certificate");
    identities.show(Level::Lan, Some(&leaf), &[Ipv4Addr::LOCALHOST.into()]).expect("a good certificate");
    identities
}
