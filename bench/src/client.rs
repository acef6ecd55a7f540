//! The clients h2load cannot play: handshakes one after another, and WebSockets that talk or stay silent. One thread, a
//! process of its own, so that it can be kept off the proxy's core.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::LocalSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// What to play.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to do.
    #[arg(value_enum)]
    play: Play,
    /// The proxy.
    address: SocketAddr,
    /// How many handshakes, messages or sockets in all.
    count: usize,
    /// A request field, as `name: value`.
    #[arg(long)]
    field: Vec<String>,
    /// The key exchange, as rustls names it; X25519 is what every program here speaks.
    #[arg(long, default_value = "X25519")]
    group: String,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Play {
    /// A full handshake each, then the connection ends.
    Full,
    /// The same, with the ticket of the one before.
    Resumed,
    /// Small messages to and fro on sixteen WebSockets.
    Messages,
    /// WebSockets that say nothing until standard input ends.
    Idle,
}

/// Plays it, and says on one line how many operations were done and how long they took in microseconds.
pub(crate) fn run(options: &Options) -> Result<()> {
    raise_open_files();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let began = Instant::now();
        let mut times = match options.play {
            Play::Full => handshakes(options, Resumption::disabled()).await?,
            Play::Resumed => handshakes(options, Resumption::in_memory_sessions(8)).await?,
            Play::Messages => messages(options).await?,
            Play::Idle => return idle(options).await,
        };
        let took = began.elapsed();
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default().as_micros();
        println!("{} {} {} {}", times.len(), took.as_micros(), at(50), at(99));
        Ok(())
    })
}

async fn handshakes(options: &Options, resumption: Resumption) -> Result<Vec<Duration>> {
    let mut config = config(&options.group)?;
    config.resumption = resumption;
    let config = Arc::new(config);
    let mut times = Vec::with_capacity(options.count);
    for _ in 0..options.count {
        let began = Instant::now();
        let mut tls = connect(options, &config, Ipv4Addr::LOCALHOST).await?;
        // The server's side is done when it answers our end with its own; tickets come before.
        tls.shutdown().await?;
        let _ = tls.read_to_end(&mut Vec::new()).await;
        times.push(began.elapsed());
    }
    Ok(times)
}

async fn messages(options: &Options) -> Result<Vec<Duration>> {
    let config = Arc::new(config(&options.group)?);
    let mut tasks = Vec::new();
    for _ in 0..TALKING {
        let mut socket = websocket(options, &config, Ipv4Addr::LOCALHOST).await?;
        let each = options.count / TALKING;
        tasks.push(tokio::task::spawn_local(async move {
            let mut times = Vec::with_capacity(each);
            let mut buffer = [0; FRAME.len()];
            for _ in 0..each {
                let began = Instant::now();
                socket.write_all(FRAME).await?;
                socket.flush().await?;
                socket.read_exact(&mut buffer).await?;
                times.push(began.elapsed());
            }
            Ok::<_, anyhow::Error>(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(times)
}

async fn idle(options: &Options) -> Result<()> {
    let config = Rc::new(Arc::new(config(&options.group)?));
    let mut sockets = Vec::with_capacity(options.count);
    for index in 0..options.count {
        // As from many people: no address opens more than a browser with a few tabs would.
        let [high, low] = u16::try_from(index / EACH_ADDRESS)?.to_be_bytes();
        sockets.push(websocket(options, &config, Ipv4Addr::new(127, 9, high, low + 1)).await?);
    }
    println!("{}", sockets.len());
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    let mut dead = 0;
    for socket in &mut sockets {
        let mut buffer = [0; FRAME.len()];
        if socket.write_all(FRAME).await.is_err() || socket.read_exact(&mut buffer).await.is_err() {
            dead += 1;
        }
    }
    if dead > 0 {
        bail!("{dead} WebSockets had ended");
    }
    Ok(())
}

async fn websocket(
    options: &Options,
    config: &Arc<ClientConfig>,
    source: Ipv4Addr,
) -> Result<TlsStream<TcpStream>> {
    let mut tls = connect(options, config, source).await?;
    let fields: String = options.field.iter().map(|field| format!("{field}\r\n")).collect();
    let head = format!(
        "GET /socket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Origin: https://{address}\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n",
        address = options.address
    );
    tls.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(tls.read_u8().await.context("no answer to the upgrade")?);
    }
    if !answer.starts_with(b"HTTP/1.1 101 ") {
        bail!("the upgrade was refused: {}", String::from_utf8_lossy(&answer));
    }
    Ok(tls)
}

async fn connect(
    options: &Options,
    config: &Arc<ClientConfig>,
    source: Ipv4Addr,
) -> Result<TlsStream<TcpStream>> {
    let socket = TcpSocket::new_v4()?;
    // Many connections one after another would else run out of ports that are not resting.
    socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
    if source != Ipv4Addr::LOCALHOST {
        socket.bind((source, 0).into())?;
    }
    let stream = socket.connect(options.address).await.context("the proxy takes no connection")?;
    stream.set_nodelay(true)?;
    let name = ServerName::IpAddress(options.address.ip().into());
    TlsConnector::from(Arc::clone(config)).connect(name, stream).await.context("the handshake failed")
}

/// TLS 1.3 with this key exchange, for any certificate.
pub(crate) fn config(group: &str) -> Result<ClientConfig> {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.retain(|known| format!("{:?}", known.name()) == group);
    if provider.kx_groups.is_empty() {
        bail!("there is no key exchange {group}");
    }
    let provider = Arc::new(provider);
    Ok(ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        .with_no_client_auth())
}

/// Lets this process hold as many sockets as the system allows it.
pub(crate) fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Takes any certificate: whom we measure is not in question, and verifying costs the client only.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// WebSockets that talk at once.
const TALKING: usize = 16;
/// Idle WebSockets of one address.
const EACH_ADDRESS: usize = 64;
/// A masked text frame of 64 bytes (RFC 6455 §5.2); what the mask is does not matter to anyone.
const FRAME: &[u8; 70] = b"\x81\xc0mask0123456789012345678901234567890123456789012345678901234567890123";
