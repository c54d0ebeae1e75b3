//! Who owns the state directory, and how to reach the owner. The composition root.
//!
//! Whoever opens the directory first owns it: opens the store, runs the engine, answers on the
//! control socket. Everybody else is a client of that owner.

use std::env::VarError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::{Engine, Firing, Scope};
use state::owner::Owner;
use state::sled_store::SledStore;
use state::store::Store;
use state::{BadKey, Coding, KeyRing};

use crate::answers;
use crate::control::{Answer, Remote, Request, Server, socket_path};
use crate::face_error::{FaceError, Kind};
use crate::retry;

/// The environment variable that holds keys.
const KEY_VARIABLE: &str = "OPENCLAW_TRACE_KEY";
/// How long to wait for a directory that is changing hands.
const PATIENCE: Duration = Duration::from_secs(10);

/// What this process wants to do with the directory if it becomes the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Look or record only: no attempt is run.
    Visitor,
    /// Work on what it is asked for, with this many attempts at once.
    Worker { concurrency: usize },
    /// Work on everything and fire schedules, for as long as it lives.
    Server { concurrency: usize },
}

/// Whether a directory that is not there may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// The state directory, reached one way or the other.
pub(crate) enum Host {
    /// This process owns it.
    Local(Box<Local>),
    /// Another process does.
    Remote(Remote),
}

pub(crate) struct Local {
    engine: Engine,
    _server: Option<Server>,
    /// Released last: fields drop in order.
    _owner: Owner,
}

impl Host {
    /// Becomes the owner of the directory, or connects to it.
    pub(crate) async fn open(dir: &Path, role: Role, missing: Missing) -> Result<Self, FaceError> {
        if missing == Missing::Refuse && !dir.is_dir() {
            return Err(no_directory(dir));
        }
        retry::until(PATIENCE, async || match Self::try_open(dir, role).await {
            Ok(host) => Ok(Ok(host)),
            Err(error) if error.kind == Kind::Busy => Ok(Err(error)),
            Err(error) => Err(error),
        })
        .await
    }

    async fn try_open(dir: &Path, role: Role) -> Result<Self, FaceError> {
        std::fs::create_dir_all(dir).map_err(|error| {
            FaceError::usage(
                format!(
                    "could not make the state directory {}: {error}",
                    dir.display()
                ),
                "name a writable directory with --state",
            )
        })?;
        match Owner::acquire(dir) {
            Ok(owner) => Self::own(dir, role, owner),
            Err(state::store::Error::Owned { .. }) => {
                Ok(Self::Remote(Remote::connect(&socket_path(dir)).await?))
            }
            Err(other) => Err(other.into()),
        }
    }

    fn own(dir: &Path, role: Role, owner: Owner) -> Result<Self, FaceError> {
        let store: Arc<dyn Store> = Arc::new(SledStore::open_with(dir, &coding()?)?);
        let concurrency = match role {
            Role::Visitor => 0,
            Role::Worker { concurrency } | Role::Server { concurrency } => concurrency,
        };
        let (scope, firing) = match role {
            Role::Visitor | Role::Worker { .. } => (Scope::Asked, Firing::No),
            Role::Server { .. } => (Scope::All, Firing::Yes),
        };
        let builder = Engine::builder(store)
            .definitions(workflows::definitions())
            .concurrency(concurrency)
            .scope(scope)
            .schedules(firing);
        let engine =
            activities::register(builder, activities::Config::from_environment()).start()?;
        // A visitor leaves at once; whoever comes meanwhile waits for the directory.
        let server = match role {
            Role::Visitor => None,
            Role::Worker { .. } | Role::Server { .. } => {
                Some(Server::start(dir, engine.client()).map_err(|error| {
                    FaceError::new(
                        Kind::Failed,
                        format!("could not open the control socket: {error}"),
                        "check the permissions of the state directory",
                    )
                })?)
            }
        };
        Ok(Self::Local(Box::new(Local {
            engine,
            _server: server,
            _owner: owner,
        })))
    }

    /// Asks one question, of this process's engine or of the owner.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, FaceError> {
        let answer = match self {
            Self::Local(local) => answers::answer(&local.engine.client(), request).await,
            Self::Remote(remote) => remote.ask(&request).await?,
        };
        match answer {
            Answer::Refused(error) => Err(error),
            answer => Ok(answer),
        }
    }

    /// The owner's process, when it is another one.
    pub(crate) fn remote_pid(&self) -> Option<u32> {
        match self {
            Self::Local(_) => None,
            Self::Remote(remote) => Some(remote.pid),
        }
    }

    /// Why the engine of this process has stopped by itself, if it has.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Local(local) => local.engine.failure(),
            Self::Remote(_) => None,
        }
    }

    /// Lets go of the directory; attempts that are running are told to stop and waited for.
    pub(crate) async fn close(self) {
        if let Self::Local(local) = self {
            let Local {
                engine,
                _server,
                _owner,
            } = *local;
            engine.shutdown().await;
        }
    }
}

/// A state directory that this process owns and runs no engine on.
pub(crate) struct Idle {
    store: SledStore,
    /// Released last: fields drop in order.
    _owner: Owner,
}

impl Idle {
    /// Becomes the owner of a directory that is there. Does not wait for another one to leave.
    pub(crate) fn open(dir: &Path) -> Result<Self, FaceError> {
        if !dir.is_dir() {
            return Err(no_directory(dir));
        }
        let owner = Owner::acquire(dir)?;
        let store = SledStore::open_with(dir, &coding()?)?;
        Ok(Self {
            store,
            _owner: owner,
        })
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &self.store
    }
}

fn no_directory(dir: &Path) -> FaceError {
    FaceError::not_found(
        format!("there is no state directory {} yet", dir.display()),
        "`openclaw-trace run PATH` makes one; --state names another",
    )
}

/// What the command line says of how values lie on the disk. Every command opens the directory or
/// asks its owner, and only the former wants to know: so it is not an argument of all of them.
static OPENING: OnceLock<Opening> = OnceLock::new();

#[derive(Debug, Default)]
struct Opening {
    key_file: Option<PathBuf>,
    compress: bool,
}

/// Names the file of keys, and whether to compress, for every directory that this process opens.
pub(crate) fn open_directories_with(key_file: Option<PathBuf>, compress: bool) {
    // Called once, at the start.
    let _first = OPENING.set(Opening { key_file, compress });
}

/// How values lie on the disk: encrypted, if there is a key.
fn coding() -> Result<Coding, FaceError> {
    let opening = OPENING.get_or_init(Opening::default);
    let ring = keys(opening.key_file.as_deref()).map_err(|(error, place)| {
        FaceError::usage(
            format!("could not {error} ({place})"),
            "make a key with: (umask 077 && openssl rand -hex 32 > FILE)",
        )
    })?;
    Ok(match (ring, opening.compress) {
        (None, false) => Coding::Plain,
        (None, true) => Coding::Compressed,
        (Some(ring), false) => Coding::Encrypted(ring),
        (Some(ring), true) => Coding::CompressedEncrypted(ring),
    })
}

/// The keys that there are, or what is wrong with them and where they stand.
fn keys(file: Option<&Path>) -> Result<Option<KeyRing>, (BadKey, String)> {
    if let Some(path) = file {
        let ring = KeyRing::read(path).map_err(|error| (error, path.display().to_string()))?;
        return Ok(Some(ring));
    }
    let in_variable = |error| (error, KEY_VARIABLE.to_owned());
    match std::env::var(KEY_VARIABLE) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => KeyRing::parse(&text).map(Some).map_err(in_variable),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(in_variable(BadKey::Form { number: 1 })),
    }
}

/// The default state directory: `OPENCLAW_TRACE_STATE`, or the platform's place for data.
pub(crate) fn default_state_dir() -> Result<PathBuf, FaceError> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    if let Some(dir) = set("OPENCLAW_TRACE_STATE") {
        return Ok(dir);
    }
    if let Some(dir) = set("XDG_DATA_HOME").filter(|dir| dir.is_absolute()) {
        return Ok(dir.join("openclaw-trace"));
    }
    let home = set("HOME").ok_or_else(|| {
        FaceError::usage(
            "there is no home directory to keep state in (HOME is not set)",
            "name a directory with --state",
        )
    })?;
    Ok(if cfg!(target_os = "macos") {
        home.join("Library/Application Support/openclaw-trace")
    } else {
        home.join(".local/share/openclaw-trace")
    })
}
