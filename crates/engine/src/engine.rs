//! Starting and stopping one engine for one home.

use crate::{
    certificates::{Identities, TlsConfigError},
    clock::Clock,
    control::{self, Beginnings, Control, Finding, FirstUser, State},
    home::{Home, HomeError},
    identity::{
        approval::{Approvals, Desk},
        invite::Invites,
        own_account::OwnAccount,
        pass::Passes,
        password::{HashError, Hasher},
        second_factor::{half::Halves, verify::Verifier},
        session::Sessions,
        sign_in::SignIn,
        socket_token::SocketTokens,
        token::Tokens,
    },
    link::Changes,
    network::interfaces::{BadLanAddress, Lan, check_lan_address},
    pages::Pages,
    platform,
    proxy::{
        access_log::AccessLog,
        admit::{Connections, Places},
        cores::Cores,
        forms::Forms,
        jar::Names,
        limits,
        listen::Ground,
        snapshot::{FrontFault, Shared, Snapshot, ToolFaults},
        visitors::Visitors,
    },
    random::NoRandomness,
    secrets::{KeyringChoice, Vault},
    settings::{self, LoadError},
    store::{
        database::{Database, OpenError, StoreError},
        rotation::RotatingFile,
    },
};
use arc_swap::{ArcSwap, ArcSwapOption};
use drawbridge_protocol::{Problem, Request};
use drawbridge_texts::{Language, Sentence, Tell, Texts, Words};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// What an engine is started with.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Where its state lies.
    pub home: Home,
    /// Where its root key lies.
    pub keyring: KeyringChoice,
    /// Which addresses are the local network.
    pub lan: Lan,
    /// Where it reads the time.
    pub clock: Clock,
    /// What the owner reads.
    pub language: Language,
    /// Who shall be made where there is no user yet.
    pub first_user: Option<FirstUser>,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The home.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// An address that cannot be a local network.
    #[error(transparent)]
    Lan(#[from] BadLanAddress),
    /// The settings, the database, the keys for TLS, random numbers.
    #[error("{source}")]
    Inside {
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// Its words for the owner.
        sentence: Sentence,
    },
    /// The threads of the data path.
    #[error("no thread for a core ({0})")]
    Threads(#[source] io::Error),
    /// The control socket.
    #[error("the control socket {} was not made ({source})", path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A log file.
    #[error("the log {} was not opened ({source})", path.display())]
    Log {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Tell for StartError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::Home(error) => error.sentence(),
            Self::Lan(error) => error.sentence(),
            Self::Inside { sentence, .. } => sentence.clone(),
            Self::Threads(error) => Sentence::new("no-thread").quoting("cause", error),
            Self::Socket { path, source } => {
                Sentence::new("socket-unmade").with("path", path.as_path()).quoting("cause", source)
            }
            Self::Log { path, source } => {
                Sentence::new("log-unopened").with("path", path.as_path()).quoting("cause", source)
            }
        }
    }
}

/// A running engine. It ends when it is stopped or dropped.
pub struct Engine {
    control: Control,
    socket: PathBuf,
    stop: CancellationToken,
    writer: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// The desk of this process, where there is one.
    _desk: Option<Desk>,
}

impl Engine {
    /// Starts the engine of a home. Doors that may be open are open when this returns, and the control socket answers.
    ///
    /// # Errors
    /// When the home cannot be used or something every engine needs is missing. A closed keyring is no error: the
    /// engine then runs with everything closed and says why.
    pub async fn start(configuration: Configuration) -> Result<Self, StartError> {
        Self::start_for(configuration, false).await
    }

    /// The same in the process of a shell the owner sits at: nobody gets in before he can be asked.
    ///
    /// # Errors
    /// As [`Engine::start`].
    pub(crate) async fn start_at_desk(configuration: Configuration) -> Result<Self, StartError> {
        Self::start_for(configuration, true).await
    }

    async fn start_for(configuration: Configuration, at_desk: bool) -> Result<Self, StartError> {
        let Configuration { home, keyring, lan, clock, language, first_user } = configuration;
        if let Lan::Given(addresses) = &lan {
            for address in addresses {
                check_lan_address(*address)?;
            }
        }
        let home = home.lock()?;
        let paths = home.home.clone();
        let now = clock.timestamp();
        let mut notes = Vec::new();
        let loaded = settings::load(&paths.settings(), now)?;
        if let Some((aside, reason)) = loaded.kept_aside {
            notes.push(Finding::file_kept_aside("settings.toml", reason, &aside));
        }
        let vault = Vault::new(paths.path(), keyring);
        let opened = Database::open(&paths.database(), now)?;
        let is_lost = opened.kept_aside.is_some() || (opened.is_new && vault.exists());
        // Accounts that were lost are no reason to make one: a variable nobody thinks of any more would open the door.
        let first_user = first_user.filter(|_| !is_lost);
        if let Some(aside) = opened.kept_aside {
            notes.push(Finding::file_kept_aside(
                "drawbridge.db",
                Sentence::new("trouble-file-damaged"),
                &aside,
            ));
        } else if opened.is_new && vault.exists() {
            notes.push(Finding::database_missing());
        }
        let database = opened.database;
        let connections = connections();
        let texts = Arc::new(Texts::new());
        let pages = Pages::new(Arc::clone(&texts));
        let words = Words::new(texts, language);
        let (own_account, wishes) = OwnAccount::new();
        let shared = shared(&paths, &database, clock, connections, pages, own_account).await?;
        let desk = at_desk.then(|| shared.approvals.desk());
        let ground = Ground {
            shared,
            cores: Cores::start().map_err(StartError::Threads)?,
            connections: Connections::new(connections),
            identities: Arc::new(Identities::new()?),
        };
        let settings = loaded.settings;
        let shared = Arc::clone(&ground.shared);
        let mut state =
            State::begin(Beginnings { home, settings, vault, database, lan, ground, notes, words }).await?;
        if let Some(first_user) = first_user {
            state.make_first_user(first_user).await;
        }
        let socket = paths.control_socket();
        let listener = platform::bind_control(&socket)
            .map_err(|source| StartError::Socket { path: socket.clone(), source })?;
        let stop = CancellationToken::new();
        let (control, writer) = Control::start(state, wishes, stop.clone());
        tokio::spawn(control::server::serve(listener, control.clone(), stop.clone()));
        Ok(Self { control, socket, stop, writer: Some(writer), shared, _desk: desk })
    }

    /// Where the control socket lies.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Carries out a request, as the control socket does.
    ///
    /// # Errors
    /// A problem with its sentence for the owner.
    pub async fn request(&self, request: Request) -> Result<serde_json::Value, Problem> {
        self.control.request(request, None).await
    }

    /// The whole state, and every change from there on.
    ///
    /// # Errors
    /// When the engine is stopping.
    pub async fn events(&self) -> Result<Changes, Problem> {
        Changes::near(self.control.clone(), None).await
    }

    /// Waits until it ended by itself, because it failed inside; its doors are closed then.
    pub async fn ended(&self) {
        self.stop.cancelled().await;
    }

    /// Closes every door, saves what is left to save, and ends. Levels stay for the next start.
    pub async fn stop(mut self) {
        self.control.end();
        self.stop.cancel();
        if let Some(writer) = self.writer.take() {
            let _ = writer.await;
        }
        let shared = Arc::clone(&self.shared);
        // A disk that hangs must not keep us.
        let last_lines = tokio::task::spawn_blocking(move || shared.access_log.end());
        let _ = tokio::time::timeout(LAST_LINES, last_lines).await;
        // The next engine replaces the file anyway; removing it only saves a shell a failed call.
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.control.end();
        self.stop.cancel();
    }
}

async fn shared(
    home: &Home,
    database: &Database,
    clock: Clock,
    connections: Places,
    pages: Pages,
    own_account: OwnAccount,
) -> Result<Arc<Shared>, StartError> {
    let log = home.logs().join("access.log");
    let opened = RotatingFile::open(&log, LOG_BYTES).and_then(AccessLog::start);
    let access_log = opened.map_err(|source| StartError::Log { path: log, source })?;
    Ok(Arc::new(Shared {
        snapshot: ArcSwap::from_pointee(Snapshot::default()),
        sessions: Sessions::load(database.clone(), clock.clone()).await?,
        sign_in: SignIn::new(Hasher::new()?)?,
        approvals: Approvals::load(database.clone(), clock.clone()).await?,
        tokens: Tokens::load(database.clone(), clock.clone()).await?,
        invites: Invites::load(database.clone(), clock.clone()).await?,
        passes: Passes::load(database.clone(), clock.clone()).await?,
        signer: ArcSwapOption::empty(),
        socket_tokens: SocketTokens::default(),
        second_factor: Verifier::new(database.clone(), clock.clone())?,
        halves: Halves::default(),
        plain_halves: Halves::default(),
        own_account,
        pages,
        visitors: Visitors::default(),
        access_log,
        clock,
        tool_faults: ToolFaults::default(),
        front_fault: FrontFault::default(),
        cookie_names: Names::default(),
        forms: Forms::default(),
        message_tunnels: Arc::new(Semaphore::new(limits::MESSAGE_TUNNELS)),
        calls: Arc::new(Semaphore::new(limits::CALLS)),
        upstreams: Arc::new(Semaphore::new(connections.to_tools)),
        changed: tokio::sync::Notify::new(),
    }))
}

/// Connections from visitors, and as many to tools, that the system's limit on open files allows beside our own.
fn connections() -> Places {
    Places::within(platform::raise_open_files().saturating_sub(OWN_FILES))
}

fn inside(error: impl std::error::Error + Tell + Send + Sync + 'static) -> StartError {
    StartError::Inside { sentence: error.sentence(), source: Box::new(error) }
}

macro_rules! inside_from {
    ($($error:ty),*) => {$(
        impl From<$error> for StartError {
            fn from(error: $error) -> Self {
                inside(error)
            }
        }
    )*};
}

inside_from!(LoadError, OpenError, StoreError, HashError, NoRandomness, TlsConfigError);

/// How long the end waits for the last lines of the access log.
const LAST_LINES: std::time::Duration = std::time::Duration::from_secs(2);
/// Files and sockets kept for ourselves: the control socket and its callers, the database, logs, listeners.
const OWN_FILES: usize = 192;
/// Bytes of the access log before it is rotated (chosen: some 50,000 requests; two files are kept).
const LOG_BYTES: u64 = 8 * 1024 * 1024;
