//! Every number of the data path: unit, default, source.

use std::time::Duration;

/// Connections at once that nobody signed in on, over all doors (chosen: a second of handshakes; what a stranger can make
/// us hold is bounded by this; fewer where the system allows fewer open files, see `admit.rs`).
pub(crate) const CONNECTIONS: usize = 512;
/// Connections and tunnels at once on which somebody signed in (chosen: WebSockets of hundreds of people; HAProxy's limit
/// is what open files allow).
pub(crate) const CONNECTIONS_SIGNED_IN: usize = 16_384;
/// Connections at once to tools, for requests under way and kept ones (chosen: what a tool with a common limit of 1,024
/// open files could take).
pub(crate) const CONNECTIONS_TO_TOOLS: usize = 1_024;
/// Connections of one client address at once (chosen: a browser opens six per origin; several people behind one router).
pub(crate) const CONNECTIONS_PER_CLIENT: usize = 128;
/// Connections kept free for this computer's own addresses, so that the owner can always look (P10).
pub(crate) const CONNECTIONS_KEPT_FOR_LOOPBACK: usize = 16;
/// How long a visitor's socket may be silent before the system asks whether he is there (chosen: below what home routers
/// forget a connection after; nine questions unanswered, Linux's default, end it within another three minutes).
pub(crate) const SILENT_SOCKET: Duration = Duration::from_secs(75);
/// Waiting connections per core before new ones are dropped (chosen: a second of handshakes).
pub(crate) const CORE_QUEUE: usize = 256;
/// Time for the first byte (chosen: hyper's header timeout does not cover it, hyper #3756).
pub(crate) const FIRST_BYTE: Duration = Duration::from_secs(10);
/// Time for a TLS handshake (chosen: three round trips on a bad mobile line).
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);
/// Time for a whole request head, and for an idle HTTP/1 connection (nginx: 60 s; browsers reopen cheaply).
pub(crate) const HEAD: Duration = Duration::from_secs(15);
/// The same for an idle connection of a front, which keeps it for the next visitor (nginx: 60 s, Caddy: 2 min).
pub(crate) const FRONT_IDLE: Duration = Duration::from_secs(120);
/// Bytes of a request head (facts: hyper takes up to 400 KB; Apache and nginx take 8 to 32 KiB).
pub(crate) const HEAD_BYTES: usize = 64 * 1024;
/// Fields in a request head (Apache: 100).
pub(crate) const HEAD_FIELDS: usize = 100;
/// Bytes of a tool's response head.
pub(crate) const RESPONSE_HEAD_BYTES: usize = 128 * 1024;
/// How long a closed HTTP/1 connection takes what its visitor still sends (nginx's `lingering_timeout`: 5 s; P7 leaves 10).
pub(crate) const LINGER: Duration = Duration::from_secs(5);
/// Bytes read from a tool before others on its core have their turn (chosen: some hundred microseconds of reading heads).
pub(crate) const TURN_BYTES: usize = 64 * 1024;
/// Streams of one HTTP/2 connection (RFC 9113 §6.5.2: not below 100).
pub(crate) const STREAMS: u32 = 128;
/// Receive window of one stream of a tool, bytes (256 KiB: uploads at 50 ms round trip reach 40 Mbit/s).
pub(crate) const STREAM_WINDOW: u32 = 256 * 1024;
/// Receive window of one HTTP/2 connection to a tool, bytes: what a stranger can make us hold by sending for nothing,
/// times [`CONNECTIONS`].
pub(crate) const CONNECTION_WINDOW: u32 = 512 * 1024;
/// Both windows on the gate, bytes (RFC 9113 §6.9.2: a connection's cannot be smaller).
pub(crate) const GATE_WINDOW: u32 = 65_535;
/// Streams of one HTTP/2 connection to the gate (a page, its form, a few tabs).
pub(crate) const GATE_STREAMS: u32 = 16;
/// How long an HTTP/2 connection may be idle (chosen: browsers reopen cheaply).
pub(crate) const IDLE: Duration = Duration::from_secs(60);
/// Bytes buffered for sending on one stream.
pub(crate) const SEND_BUFFER: usize = 256 * 1024;
/// How often a quiet HTTP/2 connection is asked whether it is still there.
pub(crate) const PING: Duration = Duration::from_secs(25);
/// How long it may take to answer.
pub(crate) const PING_ANSWER: Duration = Duration::from_secs(20);
/// Bytes of a call to aria2 that is read without waiting for one of the places below (every call but those with a torrent).
pub(crate) const SMALL_CALL: usize = 64 * 1024;
/// Larger calls held at once (chosen: 64 MiB and what reading them takes).
pub(crate) const CALLS: usize = 4;
/// Time to read a call (chosen: the largest torrent file over 2 Mbit/s).
pub(crate) const CALL: Duration = Duration::from_secs(60);
/// Time to wait for such a place.
pub(crate) const CALL_PLACE: Duration = Duration::from_secs(15);
/// How long the end of a piece is held back because a secret could begin there (chosen: nobody sees it).
pub(crate) const HELD_BACK: Duration = Duration::from_millis(50);
/// Tunnels at once of tools that are given secrets, each of which may hold a message (chosen: with the size below, 256 MiB).
pub(crate) const MESSAGE_TUNNELS: usize = 64;
/// Bytes of a message from a visitor to such a tool (chosen: a torrent of 3 MiB in Base64; aria2 takes 2 MiB).
pub(crate) const MESSAGE: usize = 4 * 1024 * 1024;
/// Time for a tunnel to say goodbye to both sides.
pub(crate) const TUNNEL_END: Duration = Duration::from_secs(1);
/// Time to connect to a tool (loopback answers at once; a swapped-out program needs a moment).
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// Time for a tool to begin its answer after the request has ended (chosen: model servers think for minutes).
pub(crate) const ANSWER: Duration = Duration::from_secs(600);
/// Requests at once on one HTTP/2 connection to a tool (RFC 9113 §6.5.2: a server should take 100); for more another is
/// made.
pub(crate) const TOOL_STREAMS: usize = 100;
/// Receive window of an HTTP/2 connection to a tool, bytes: every stream of it may be full and the next still flows, so
/// that a visitor who does not read keeps nobody waiting.
pub(crate) const TOOL_WINDOW: u32 = 101 * STREAM_WINDOW;
/// How long a visitor may send nothing of an upload the tool waits for, while nothing comes back either (nginx's
/// `client_body_timeout` and Apache's `RequestReadTimeout` are of that size).
pub(crate) const UPLOAD_SILENCE: Duration = Duration::from_secs(60);
/// How long a visitor may take nothing of a download (nginx's `send_timeout` is 60 s; a paused video is an everyday
/// thing, and who is signed in holds no more than the buffers of one stream).
pub(crate) const DOWNLOAD_STALL: Duration = Duration::from_secs(600);
/// How long an idle connection to a tool is kept (Node closes after 5 s; one second of margin).
pub(crate) const POOL_IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept to one tool on one core (two HTTP/2 visitors with all their streams in use; with 32, eight times
/// sixteen streams cost fifty times as much, measured 2026-11-21: every answer ended a connection and every request made one).
pub(crate) const POOL_SIZE: usize = 256;
/// Bytes of a form sent to the gate (a name, a password of 1,024 bytes percent-encoded, and a path of 2,048).
pub(crate) const FORM_BYTES: usize = 8 * 1024;
/// Forms read at once (chosen: 256 KiB; signing in takes a fraction of a second).
pub(crate) const FORMS: usize = 32;
/// The same from one address (IPv6: one /64) (chosen: a household that signs in at once; a form is there in milliseconds).
pub(crate) const FORMS_OF_CLIENT: usize = 8;
/// Time for a whole form.
pub(crate) const FORM: Duration = Duration::from_secs(15);
/// Cookie names remembered of one tool (chosen: a third of what Chromium keeps for a whole host, 180; a tool that sets more
/// gets its neighbours' unmarked cookies too).
pub(crate) const COOKIE_NAMES: usize = 64;
/// Longest cookie name remembered, bytes (chosen: real ones have up to 60; with [`COOKIE_NAMES`] 8 KiB for each tool).
pub(crate) const COOKIE_NAME_BYTES: usize = 128;
/// Seconds for which a browser need not ask again for a listed origin (chosen: taking an origin off the list shall count
/// soon for the browser too; without asking it gets no further anyway. Chromium keeps it for two hours at most).
pub(crate) const PREFLIGHT_SECONDS: &str = "600";
/// Bytes of the names of fields a page of another origin may ask for (chosen: forty names of 25 letters).
pub(crate) const PREFLIGHT_FIELDS_BYTES: usize = 1024;
/// How often a connection looks whether the permits of its requests still hold. What does not end by itself ends with
/// the connection at the look after (P6 leaves a second in all).
pub(crate) const LEASE_LOOK: Duration = Duration::from_millis(300);
/// Bytes copied at once in each direction of a tunnel.
pub(crate) const TUNNEL_BUFFER: usize = 16 * 1024;
/// How often a connection notes that its visitor is still there.
pub(crate) const VISIT_STEP: Duration = Duration::from_secs(1);
/// How long someone counts as in after the last request.
pub(crate) const VISITOR_KEPT: Duration = Duration::from_secs(120);
