//! Where things are: the workspace, the build folder, and what this tool keeps inside the build folder.
//!
//! Everything made here lives under cargo's target folder, so `cargo clean` leaves nothing behind.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::shell;

/// The folders of one clone.
#[derive(Debug)]
pub(crate) struct Places {
    /// The folder with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Cargo's target folder, wherever the developer put it.
    pub(crate) target: PathBuf,
}

impl Places {
    /// Asks cargo, which alone knows about `CARGO_TARGET_DIR` and its configuration files.
    ///
    /// # Errors
    /// When cargo cannot read the workspace.
    pub(crate) fn find() -> Result<Self> {
        let output = shell::cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .context("cannot start cargo")?;
        if !output.status.success() {
            bail!("cargo cannot read this workspace: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).context("cannot read what `cargo metadata` printed")?;
        let folder = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("`cargo metadata` names no {key}"))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")? })
    }

    /// The prefix for everything the tests need that is no system package; its layout is documented in [`crate::parts`].
    pub(crate) fn parts(&self) -> PathBuf {
        self.target.join("xtask-parts")
    }

    /// The home `cargo xtask run` uses unless told another.
    pub(crate) fn home(&self) -> PathBuf {
        self.target.join("xtask-home")
    }

    /// A program of this workspace as `cargo build` leaves it.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

/// Makes a folder that only its owner can enter; narrows one that exists.
///
/// # Errors
/// When the folder cannot be made or narrowed.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
            .with_context(|| format!("cannot make the folder {} private", path.display()))?;
    }
    Ok(())
}

/// Writes a new file that only its owner can read; the mode is there before the first byte.
///
/// # Errors
/// When the file exists already or cannot be written.
pub(crate) fn private_file(path: &Path, content: &str) -> Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path).with_context(|| format!("cannot make the file {}", path.display()))?;
    file.write_all(content.as_bytes()).with_context(|| format!("cannot write the file {}", path.display()))
}
