//! The programs under test, each with what its own manual gives for a TLS reverse proxy: TLS 1.3 with X25519 and a P-256
//! certificate, kept connections to the tool, forwarding fields, an access log. All on one core.

use crate::{Options, account};
use anyhow::{Context as _, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The core of the program under test; load and tool have the other one.
pub(crate) const PROXY_CORE: usize = 0;
/// The core of the load and the tool.
pub(crate) const LOAD_CORE: usize = 1;

/// Everything that runs.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
    pub(crate) peers: Vec<Peer>,
    _origin: Killed,
}

/// A program under test.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    /// What a signed-in browser sends.
    pub(crate) session: Vec<String>,
    /// What a program with a password sends.
    pub(crate) basic: Vec<String>,
    /// Of its own `--version`.
    pub(crate) version: String,
    /// Memory when it had done nothing yet, KiB, and wake-ups a second.
    pub(crate) idle: (u64, f64),
    /// Wake-ups a second with a door open and nobody there, where that is another state.
    pub(crate) open_wake_ups: Option<f64>,
    process: Killed,
}

/// Killed on drop.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// The process whose family is counted.
    pub(crate) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// A URL on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }
}

impl Stage {
    /// Starts the tool and every program before it.
    pub(crate) fn set(options: &Options) -> Result<Self> {
        let (mut stage, tool) = Self::with_tool()?;
        let at = stage.folder.path();
        certificate(at)?;
        let wanted = |name: &str| {
            options.beside.as_ref().is_none_or(|names| names.iter().any(|wanted| wanted == name))
        };
        let mut peers = vec![drawbridge(options, at, tool, &[])?];
        for (name, start) in [("nginx", nginx as Start), ("haproxy", haproxy), ("caddy", caddy)] {
            if wanted(name) {
                peers.push(start(at, tool).with_context(|| format!("{name} was not started"))?);
            }
        }
        for peer in &mut peers {
            let idle = idle(peer.pid())?;
            match peer.name {
                "Drawbridge" => peer.open_wake_ups = Some(idle.1),
                _ => peer.idle = idle,
            }
        }
        stage.peers = peers;
        Ok(stage)
    }

    /// Starts the tool and Drawbridge alone, every instruction of which is counted.
    pub(crate) fn under_callgrind(options: &Options) -> Result<Self> {
        let (mut stage, tool) = Self::with_tool()?;
        let at = stage.folder.path();
        let out = format!("--callgrind-out-file={}/callgrind.out", at.display());
        stage.peers =
            vec![drawbridge(options, at, tool, &["valgrind", "--quiet", "--tool=callgrind", &out])?];
        Ok(stage)
    }

    fn with_tool() -> Result<(Self, u16)> {
        let folder = tempfile::Builder::new().prefix("drawbridge-bench-").tempdir()?;
        let tool = free_port()?;
        let program = std::env::current_exe().context("our own path")?;
        let origin = pinned(LOAD_CORE, &program, folder.path(), "origin", &["origin", &tool.to_string()])?;
        reachable(tool)?;
        Ok((Self { folder, peers: Vec::new(), _origin: origin }, tool))
    }
}

type Start = fn(&Path, u16) -> Result<Peer>;

fn idle(pid: u32) -> Result<(u64, f64)> {
    let before = account::wake_ups(pid)?;
    sleep(WATCHED);
    let woken = account::wake_ups(pid)? - before;
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    Ok((account::memory_kib(pid)?, woken as f64 / WATCHED.as_secs_f64()))
}

/// Drawbridge by itself, with a user and a tool that is open on the local network.
pub(crate) struct Engine {
    pub(crate) door: SocketAddr,
    pub(crate) gate: SocketAddr,
    /// Before anything was asked of it.
    idle: (u64, f64),
    program: PathBuf,
    base: Vec<String>,
    process: Killed,
    _tool: Option<Killed>,
}

impl Engine {
    /// Runs a command that must succeed; returns what it printed.
    pub(crate) fn ask(&self, arguments: &[&str], input: &str) -> Result<String> {
        let mut child = Command::new(&self.program)
            .args(&self.base)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        child.stdin.take().context("it was piped")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("`drawbridge {}` failed", arguments.join(" "));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Where a command says something listens.
    fn address(&self, arguments: &[&str]) -> Result<SocketAddr> {
        let printed = self.ask(arguments, "")?;
        let url = printed.lines().next().unwrap_or_default().trim();
        Ok(url.trim_start_matches("https://").trim_end_matches('/').parse()?)
    }
}

/// Starts it, with a tool of its own.
pub(crate) fn alone(program: &Path, folder: &Path) -> Result<Engine> {
    let (stage, tool) = Stage::with_tool()?;
    let mut engine = engine(program, folder, tool, &[])?;
    engine._tool = Some(stage._origin);
    Ok(engine)
}

fn engine(program: &Path, folder: &Path, tool: u16, under: &[&str]) -> Result<Engine> {
    let home = folder.join("home");
    let keyring = format!("passphrase-file={}", folder.join("passphrase").display());
    let base = vec!["--home".to_owned(), home.display().to_string(), "--keyring".to_owned(), keyring];
    let path = program.display().to_string();
    let serve = base.iter().map(String::as_str).chain(["serve", "--lan", "127.0.0.1"]);
    let line: Vec<&str> = under.iter().copied().chain([path.as_str()]).chain(serve).collect();
    let (first, rest) = line.split_first().context("a program")?;
    let mut command = taskset(PROXY_CORE, first);
    command.args(rest).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Killed(command.spawn().context("drawbridge does not start")?);
    let mut ready = String::new();
    let output = process.0.stdout.take().context("it was piped")?;
    BufReader::new(output).read_line(&mut ready)?;
    // Under callgrind nothing is idle for long, and nobody asks.
    let idle = if under.is_empty() { idle(process.0.id())? } else { (0, 0.0) };
    let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let mut engine = Engine {
        door: nowhere,
        gate: nowhere,
        idle,
        program: program.to_owned(),
        base,
        process,
        _tool: None,
    };
    engine.ask(&["user", "add", "anna", "--password-stdin"], &format!("{PASSWORD}\n"))?;
    engine.ask(&["tool", "add", "Tool", &tool.to_string()], "")?;
    engine.ask(&["level", "Tool", "lan"], "")?;
    engine.door = engine.address(&["url", "Tool"])?;
    engine.gate = engine.address(&["url"])?;
    Ok(engine)
}

fn drawbridge(options: &Options, folder: &Path, tool: u16, under: &[&str]) -> Result<Peer> {
    let engine = engine(&options.program, folder, tool, under)?;
    let (door, gate) = (format!("https://{}", engine.door), format!("https://{}", engine.gate));
    let basic = vec![format!("authorization: Basic {}", STANDARD.encode(format!("anna:{PASSWORD}")))];
    let session = vec![format!("cookie: {}", sign_in(folder, &door, &gate)?)];
    let version = version(&options.program.display().to_string(), "--version")?;
    let Engine { door: address, idle, process, .. } = engine;
    Ok(Peer { name: "Drawbridge", address, session, basic, version, idle, open_wake_ups: None, process })
}

/// Signs in as a browser would, and returns the door's cookie.
fn sign_in(folder: &Path, url: &str, gate: &str) -> Result<String> {
    let jar = folder.join("jar").display().to_string();
    let curl = |arguments: &[&str]| -> Result<String> {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--insecure", "--noproxy", "*", "--cookie", &jar])
            .args(["--cookie-jar", &jar, "--header", "accept: text/html"])
            .args(arguments)
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let form = curl(&["--location", url])?;
    let state = form.split("name=\"state\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let state = state.with_context(|| format!("no sign-in page at {url}"))?;
    let fields = ["username=anna", &format!("password={PASSWORD}"), &format!("door={url}"), "to=/"];
    let (origin, state) = (format!("origin: {gate}"), format!("state={state}"));
    let mut post = vec!["--header", &origin, "--data-urlencode", &state];
    for field in &fields {
        post.extend(["--data-urlencode", field]);
    }
    let to = format!("{gate}/sign-in");
    post.push(&to);
    curl(&post)?;
    curl(&["--location", url])?;
    let port = url.rsplit(':').next().unwrap_or_default().trim_end_matches('/');
    let jar = fs::read_to_string(&jar)?;
    let cookie = jar.lines().find_map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let (name, value) = (fields.get(5)?, fields.get(6)?);
        (name.ends_with(&format!("-drawbridge-{port}"))).then(|| format!("{name}={value}"))
    });
    cookie.context("the sign-in gave no session")
}

fn nginx(folder: &Path, tool: u16) -> Result<Peer> {
    let port = free_port()?;
    let at = folder.display();
    let config = format!(
        "daemon off; master_process off; pid {at}/nginx.pid; error_log {at}/nginx.err crit;
worker_rlimit_nofile 19500;
events {{ worker_connections 19400; }}
http {{
    access_log {at}/nginx.log combined;
    client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u;
    scgi_temp_path {at}/s;
    keepalive_requests 1000000000; client_max_body_size 0;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream tool {{ server 127.0.0.1:{tool}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} ssl http2 backlog=1024;
        ssl_certificate {at}/cert.pem; ssl_certificate_key {at}/key.pem;
        ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;
        http2_max_concurrent_streams 128;
        location / {{
            proxy_pass http://tool; proxy_http_version 1.1; proxy_request_buffering off;
            proxy_max_temp_file_size 0; proxy_read_timeout 1h;
            proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"
    );
    let file = write(folder, "nginx.conf", &config)?;
    let arguments = ["-p", &at.to_string(), "-c", &file];
    peer("nginx", pinned(PROXY_CORE, "nginx", folder, "nginx", &arguments)?, port, version("nginx", "-v")?)
}

fn haproxy(folder: &Path, tool: u16) -> Result<Peer> {
    let port = free_port()?;
    let at = folder.display();
    let config = format!(
        "global
    log stdout format raw local0
    nbthread 1
    maxconn 9500
    ssl-default-bind-curves X25519
    ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
    mode http
    log global
    option httplog
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend door
    bind 127.0.0.1:{port} ssl crt {at}/both.pem alpn h2,http/1.1
    http-request set-header X-Forwarded-Proto https
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    default_backend tool
backend tool
    server tool 127.0.0.1:{tool} maxconn 9500
"
    );
    let file = write(folder, "haproxy.cfg", &config)?;
    let process = pinned(PROXY_CORE, "haproxy", folder, "haproxy", &["-db", "-f", &file])?;
    peer("HAProxy", process, port, version("haproxy", "-v")?)
}

fn caddy(folder: &Path, tool: u16) -> Result<Peer> {
    let port = free_port()?;
    let at = folder.display();
    let config = format!(
        "{{
    admin off
    auto_https off
    default_sni 127.0.0.1
}}
https://127.0.0.1:{port} {{
    tls {at}/cert.pem {at}/key.pem {{
        protocols tls1.3
        curves x25519
    }}
    log {{
        output file {at}/caddy.log
    }}
    reverse_proxy 127.0.0.1:{tool}
}}
"
    );
    let file = write(folder, "Caddyfile", &config)?;
    let arguments = ["run", "--adapter", "caddyfile", "--config", &file];
    peer(
        "Caddy",
        pinned(PROXY_CORE, "caddy", folder, "caddy", &arguments)?,
        port,
        version("caddy", "version")?,
    )
}

fn peer(name: &'static str, process: Killed, port: u16, version: String) -> Result<Peer> {
    reachable(port)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(Peer {
        name,
        address,
        session: Vec::new(),
        basic: Vec::new(),
        version,
        idle: (0, 0.0),
        open_wake_ups: None,
        process,
    })
}

fn write(folder: &Path, name: &str, text: &str) -> Result<String> {
    let path = folder.join(name);
    fs::write(&path, text)?;
    Ok(path.display().to_string())
}

fn taskset(core: usize, program: impl Into<PathBuf>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program.into());
    // taskset replaces itself by the program, so its process number is the program's.
    for name in ["DRAWBRIDGE_HOME", "DRAWBRIDGE_KEYRING"] {
        command.env_remove(name);
    }
    command
}

fn pinned(
    core: usize,
    program: impl Into<PathBuf>,
    folder: &Path,
    log: &str,
    arguments: &[&str],
) -> Result<Killed> {
    let said = File::create(folder.join(format!("{log}.out")))?;
    let mut command = taskset(core, program);
    command.args(arguments).stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    Ok(Killed(command.spawn()?))
}

fn certificate(folder: &Path) -> Result<()> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    fs::write(folder.join("both.pem"), format!("{certificate}{key}"))?;
    fs::write(folder.join("cert.pem"), certificate)?;
    fs::write(folder.join("key.pem"), key)?;
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn reachable(port: u16) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < START {
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(50));
    }
    bail!("nothing listens on port {port} after {} s", START.as_secs())
}

fn version(program: &str, flag: &str) -> Result<String> {
    let output = Command::new(program).arg(flag).output().with_context(|| format!("no {program} here"))?;
    let said = [output.stdout, output.stderr].concat();
    let first = String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned();
    let numbers =
        first.split([' ', '/']).find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
    Ok(numbers.unwrap_or(&first).to_owned())
}

/// The user's password; long enough for every level.
const PASSWORD: &str = "correct horse battery";
/// How long a program may take to listen.
const START: Duration = Duration::from_secs(20);
/// How long an idle program is watched.
const WATCHED: Duration = Duration::from_secs(10);
