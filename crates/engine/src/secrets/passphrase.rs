//! The passphrase store: a file of the owner's that stands in for the keyring, only where the owner chose it.
//!
//! It checks the file, reads it and derives the root key; it never looks for a file by itself and is no fallback. The
//! file must lie outside the home, because whoever gets a copy of the home must not get the key with it, and nobody but
//! this account may be able to read it. What is checked is what is read: the opened file, not its name.

use super::keyring::RootKey;
use crate::random::{self, NoRandomness};
use argon2::{Algorithm, Argon2, Params, Version};
use drawbridge_texts::{Sentence, Tell};
use secrecy::{ExposeSecret, SecretSlice};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// What to do where the file is not there yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Create {
    /// Refuse: something is sealed with it already.
    No,
    /// Make one with 256 random bits.
    IfAbsent,
}

/// The passphrase out of a file that passed every check. Wiped from memory when dropped, never printed.
#[derive(Debug)]
pub(crate) struct PassphraseFile {
    passphrase: SecretSlice<u8>,
}

/// Why a passphrase file is not accepted: a sentence for the owner each.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "not every system can be in every state"))]
pub(crate) enum PassphraseFileError {
    /// In the home, or a link into it or out of it.
    #[error("the passphrase file lies inside the home")]
    InsideHome(PathBuf),
    /// Not there, and it may not be made anew.
    #[error("there is no passphrase file")]
    Missing(PathBuf),
    /// It may be made, but not its folder.
    #[error("the passphrase file has no folder")]
    FolderMissing(PathBuf),
    /// A folder, a device, a pipe.
    #[error("the passphrase file is no regular file")]
    NotAFile(PathBuf),
    /// Somebody else's.
    #[error("the passphrase file is another account's")]
    ForeignOwner(PathBuf),
    /// Readable or writable by others.
    #[error("the passphrase file has mode {mode:04o}")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Nothing in it.
    #[error("the passphrase file is empty")]
    Empty(PathBuf),
    /// More than a passphrase.
    #[error("the passphrase file is too long")]
    TooLong(PathBuf),
    /// The disk or the rights of a folder.
    #[error("the passphrase file was not read ({source})")]
    Read {
        /// The file or the home it is compared with.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk or the rights of a folder.
    #[error("the passphrase file was not made ({source})")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No passphrase could be made.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The derivation refused; its parameters are ours, so this is our fault.
    #[error("no key was derived from the passphrase ({0})")]
    Derive(#[source] argon2::Error),
}

impl Tell for PassphraseFileError {
    fn sentence(&self) -> Sentence {
        match self {
            Self::InsideHome(path) => Sentence::new("passphrase-inside-home").with("path", path.as_path()),
            Self::Missing(path) => Sentence::new("passphrase-missing").with("path", path.as_path()),
            Self::FolderMissing(path) => {
                Sentence::new("passphrase-folder-missing").with("path", path.as_path())
            }
            Self::NotAFile(path) => Sentence::new("passphrase-no-file").with("path", path.as_path()),
            Self::ForeignOwner(path) => Sentence::new("passphrase-foreign").with("path", path.as_path()),
            Self::TooOpen { path, mode } => {
                let mode = format!("{mode:04o}");
                Sentence::new("passphrase-too-open").with("path", path.as_path()).with("mode", mode)
            }
            Self::Empty(path) => Sentence::new("passphrase-empty").with("path", path.as_path()),
            Self::TooLong(path) => {
                Sentence::new("passphrase-too-long").with("path", path.as_path()).with("bytes", MAXIMUM_BYTES)
            }
            Self::Read { path, .. } => Sentence::new("passphrase-unread").with("path", path.as_path()),
            Self::Write { path, .. } => Sentence::new("passphrase-unwritten").with("path", path.as_path()),
            Self::Random(error) => error.sentence(),
            Self::Derive(_) => Sentence::new("passphrase-underived"),
        }
    }
}

impl PassphraseFile {
    /// Reads and checks the file; with [`Create::IfAbsent`] makes it where there is none.
    ///
    /// # Errors
    /// [`PassphraseFileError`], each with what to do.
    pub(crate) fn open(path: &Path, home: &Path, create: Create) -> Result<Self, PassphraseFileError> {
        let home = fs::canonicalize(home).map_err(read_failed(home))?;
        match read(path, &home) {
            Err(PassphraseFileError::Missing(_)) if create == Create::IfAbsent => {
                make(path, &home).map_err(|error| match error {
                    PassphraseFileError::Missing(path) => PassphraseFileError::FolderMissing(path),
                    other => other,
                })?;
                // Through every check again: a disk without permissions would let others read it.
                read(path, &home)
            }
            done => done,
        }
    }

    /// The root key this passphrase stands for at this installation. Takes about a tenth of a second and 64 MiB.
    ///
    /// # Errors
    /// [`PassphraseFileError::Derive`].
    pub(crate) fn root_key(&self, salt: &[u8; 16]) -> Result<RootKey, PassphraseFileError> {
        let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(PassphraseFileError::Derive)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(self.passphrase.expose_secret(), salt, key.as_mut_slice())
            .map_err(PassphraseFileError::Derive)?;
        Ok(RootKey::from_bytes(&mut key))
    }
}

fn read(path: &Path, home: &Path) -> Result<PassphraseFile, PassphraseFileError> {
    let place = outside_home(path, home)?;
    let real = match fs::canonicalize(&place) {
        Ok(real) if real.starts_with(home) => return Err(PassphraseFileError::InsideHome(path.to_owned())),
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PassphraseFileError::Missing(path.to_owned()));
        }
        Err(error) => return Err(read_failed(path)(error)),
    };
    let file = system::open(&real).map_err(read_failed(path))?;
    let metadata = file.metadata().map_err(read_failed(path))?;
    if !metadata.is_file() {
        return Err(PassphraseFileError::NotAFile(path.to_owned()));
    }
    system::check_access(path, &metadata)?;

    // Room for all of it from the start: a buffer that grew would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(MAXIMUM_BYTES + 2));
    file.take(MAXIMUM_BYTES as u64 + 1).read_to_end(&mut content).map_err(read_failed(path))?;
    if content.len() > MAXIMUM_BYTES {
        return Err(PassphraseFileError::TooLong(path.to_owned()));
    }
    let passphrase = without_line_end(&content);
    if passphrase.is_empty() {
        return Err(PassphraseFileError::Empty(path.to_owned()));
    }
    Ok(PassphraseFile { passphrase: SecretSlice::from(passphrase.to_vec()) })
}

/// Makes the file complete or not at all, and never over another: written beside, synced, then given its name. A plain
/// exclusive create could be cut off between name and content, and an empty file opens nothing.
fn make(path: &Path, home: &Path) -> Result<(), PassphraseFileError> {
    let failed = |source| PassphraseFileError::Write { path: path.to_owned(), source };
    let place = outside_home(path, home)?;
    let folder = place.parent().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
    let passphrase = Zeroizing::new(random::token()?);
    // tempfile gives mode 0600.
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).map_err(failed)?;
    writeln!(file, "{}", *passphrase).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    match file.persist_noclobber(&place) {
        Ok(_) => system::sync_folder(folder).map_err(failed),
        // Another start of ours was faster; its file is as good.
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// The path with its folder resolved, if that folder is outside the home. The last part may still be a link.
fn outside_home(path: &Path, home: &Path) -> Result<PathBuf, PassphraseFileError> {
    let name = path.file_name().ok_or_else(|| PassphraseFileError::NotAFile(path.to_owned()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = match fs::canonicalize(folder) {
        Ok(folder) => folder.join(name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(PassphraseFileError::Missing(path.to_owned()));
        }
        Err(error) => return Err(read_failed(path)(error)),
    };
    if place.starts_with(home) { Err(PassphraseFileError::InsideHome(path.to_owned())) } else { Ok(place) }
}

/// Without the one line end an editor puts there.
fn without_line_end(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

fn read_failed(path: &Path) -> impl Fn(io::Error) -> PassphraseFileError {
    move |source| PassphraseFileError::Read { path: path.to_owned(), source }
}

#[cfg(unix)]
mod system {
    use super::{File, PassphraseFileError, Path, io};
    use rustix::{
        fs::{Mode, OFlags},
        process::geteuid,
    };
    use std::{fs::Metadata, os::unix::fs::MetadataExt};

    /// Opens for reading; a link put there since is not followed, a pipe without a writer does not block.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
    }

    /// Sees that the file is ours and that nobody else has any right to it.
    pub(super) fn check_access(path: &Path, metadata: &Metadata) -> Result<(), PassphraseFileError> {
        if metadata.uid() != geteuid().as_raw() {
            return Err(PassphraseFileError::ForeignOwner(path.to_owned()));
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(PassphraseFileError::TooOpen { path: path.to_owned(), mode });
        }
        Ok(())
    }

    /// Makes the new name durable.
    pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }
}

#[cfg(not(unix))]
mod system {
    use super::{File, PassphraseFileError, Path, io};
    use std::fs::Metadata;

    pub(super) fn open(path: &Path) -> io::Result<File> {
        File::open(path)
    }

    /// Windows: a file in a user's own folders is the user's by inheritance; its access list is not read.
    pub(super) fn check_access(_path: &Path, _metadata: &Metadata) -> Result<(), PassphraseFileError> {
        Ok(())
    }

    /// Windows makes names durable by itself.
    pub(super) fn sync_folder(_folder: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// The longest passphrase file, in bytes; chosen, because anything longer is the wrong file.
const MAXIMUM_BYTES: usize = 4096;
/// Memory of the derivation in KiB (64 MiB), passes and lanes: RFC 9106 §4, the second recommended option, with one lane
/// because one thread runs it. Changing any of them changes the root key: that needs a new version of the key file.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    struct Folders {
        root: TempDir,
        home: PathBuf,
        file: PathBuf,
    }

    fn folders() -> Folders {
        let root = tempfile::tempdir().unwrap();
        let (home, file) = (root.path().join("home"), root.path().join("passphrase"));
        fs::create_dir(&home).unwrap();
        Folders { root, home, file }
    }

    fn put(path: &Path, content: &[u8]) {
        fs::write(path, content).unwrap();
        #[cfg(unix)]
        allow(path, 0o600);
    }

    #[cfg(unix)]
    fn allow(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn passphrase_in(content: &[u8]) -> Result<Vec<u8>, PassphraseFileError> {
        let folders = folders();
        put(&folders.file, content);
        let file = PassphraseFile::open(&folders.file, &folders.home, Create::No)?;
        Ok(file.passphrase.expose_secret().to_vec())
    }

    #[test]
    fn one_line_end_is_not_part_of_the_passphrase() {
        for content in ["correct horse", "correct horse\n", "correct horse\r\n"] {
            assert_eq!(passphrase_in(content.as_bytes()).unwrap(), b"correct horse");
        }
        assert_eq!(passphrase_in(b" a \n\n").unwrap(), b" a \n");
    }

    #[test]
    fn length_is_bounded_on_both_sides() {
        assert!(matches!(passphrase_in(b""), Err(PassphraseFileError::Empty(_))));
        assert!(matches!(passphrase_in(b"\r\n"), Err(PassphraseFileError::Empty(_))));
        assert!(passphrase_in(&[b'x'; MAXIMUM_BYTES - 1]).is_ok());
        assert!(passphrase_in(&[b'x'; MAXIMUM_BYTES]).is_ok());
        assert!(matches!(passphrase_in(&[b'x'; MAXIMUM_BYTES + 1]), Err(PassphraseFileError::TooLong(_))));
    }

    #[test]
    fn missing_file_is_made_only_where_allowed_and_then_kept() {
        let Folders { root, home, file } = folders();
        assert!(matches!(
            PassphraseFile::open(&file, &home, Create::No),
            Err(PassphraseFileError::Missing(_))
        ));
        assert!(!file.exists());
        let made = PassphraseFile::open(&file, &home, Create::IfAbsent).unwrap();
        assert_eq!(made.passphrase.expose_secret().len(), 43);
        for create in [Create::No, Create::IfAbsent] {
            let again = PassphraseFile::open(&file, &home, create).unwrap();
            assert_eq!(again.passphrase.expose_secret(), made.passphrase.expose_secret());
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2, "nothing is left beside it");
        let nowhere = root.path().join("no/such/folder");
        let error = PassphraseFile::open(&nowhere, &home, Create::IfAbsent).unwrap_err();
        assert!(matches!(error, PassphraseFileError::FolderMissing(_)), "{error}");
    }

    #[test]
    fn file_inside_the_home_is_refused_and_not_made() {
        let Folders { root: _root, home, .. } = folders();
        for path in [home.join("p"), home.join("../home/p"), home.join("./../home/./p")] {
            for create in [Create::No, Create::IfAbsent] {
                let error = PassphraseFile::open(&path, &home, create).unwrap_err();
                assert!(matches!(error, PassphraseFileError::InsideHome(_)), "{error}");
            }
        }
        assert_eq!(fs::read_dir(&home).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_lead_into_or_out_of_the_home() {
        use std::os::unix::fs::symlink;
        let Folders { root, home, file } = folders();
        put(&file, b"outside");
        put(&home.join("inside"), b"inside");
        let link = |name: &str, target: &Path| {
            let link = root.path().join(name);
            symlink(target, &link).unwrap();
            link
        };
        symlink(&file, home.join("out")).unwrap();
        let into_home =
            [link("in", &home.join("inside")), link("folder", &home).join("inside"), home.join("out")];
        for path in into_home {
            let error = PassphraseFile::open(&path, &home, Create::IfAbsent).unwrap_err();
            assert!(matches!(error, PassphraseFileError::InsideHome(_)), "{path:?}: {error}");
        }
        // The home itself may be given through a link, and the file may be a link to another place outside.
        let (other_home, other_file) = (link("other-home", &home), link("other-file", &file));
        assert!(PassphraseFile::open(&home.join("inside"), &other_home, Create::No).is_err());
        assert!(PassphraseFile::open(&other_file, &other_home, Create::No).is_ok());
        // A link to nothing is neither followed nor replaced.
        let dangling = link("dangling", &root.path().join("nothing"));
        assert!(PassphraseFile::open(&dangling, &home, Create::IfAbsent).is_err());
        assert!(!root.path().join("nothing").exists());
    }

    #[cfg(unix)]
    #[test]
    fn file_others_can_use_is_refused() {
        let Folders { root: _root, home, file } = folders();
        put(&file, b"x");
        for mode in [0o644, 0o640, 0o604, 0o620, 0o601, 0o660] {
            allow(&file, mode);
            let error = PassphraseFile::open(&file, &home, Create::IfAbsent).unwrap_err();
            assert!(
                matches!(error, PassphraseFileError::TooOpen { mode: seen, .. } if seen == mode),
                "{error}"
            );
        }
        for mode in [0o600, 0o400] {
            allow(&file, mode);
            assert!(PassphraseFile::open(&file, &home, Create::No).is_ok());
        }
    }

    #[cfg(unix)]
    #[test]
    fn folders_pipes_and_foreign_files_are_refused() {
        let Folders { root, home, file } = folders();
        let refused = |path: &Path| PassphraseFile::open(path, &home, Create::IfAbsent).unwrap_err();
        assert!(matches!(refused(root.path()), PassphraseFileError::NotAFile(_)));
        assert!(matches!(refused(Path::new("/")), PassphraseFileError::NotAFile(_)));
        assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
        assert!(matches!(refused(&file), PassphraseFileError::NotAFile(_)));
        // As root any file is ours that is not another's; as anybody else, root's are not.
        if rustix::process::geteuid().is_root() {
            let foreign = root.path().join("foreign");
            put(&foreign, b"x");
            std::os::unix::fs::chown(&foreign, Some(65_534), None).unwrap();
            assert!(matches!(refused(&foreign), PassphraseFileError::ForeignOwner(_)));
        } else {
            assert!(matches!(refused(Path::new("/etc/passwd")), PassphraseFileError::ForeignOwner(_)));
        }
    }

    #[test]
    fn root_key_depends_on_passphrase_and_salt_and_stays_the_same() {
        let key = |content: &[u8], salt: u8| {
            let file = PassphraseFile { passphrase: SecretSlice::from(content.to_vec()) };
            *file.root_key(&[salt; 16]).unwrap().expose()
        };
        // The reference implementation: printf %s passphrase | argon2 SSSSSSSSSSSSSSSS -id -t 3 -k 65536 -p 1 -l 32 -r
        assert_eq!(key(b"passphrase", b'S'), REFERENCE);
        assert_ne!(key(b"passphrase", b'T'), REFERENCE);
        assert_ne!(key(b"passphrasf", b'S'), REFERENCE);
    }

    const REFERENCE: [u8; 32] = [
        0xd9, 0xea, 0x21, 0xe8, 0x18, 0x92, 0x34, 0x02, 0x17, 0x68, 0xb3, 0xbf, 0x43, 0xc3, 0x2a, 0xfc, 0xf1,
        0xbe, 0x26, 0x6a, 0x02, 0xa4, 0x5d, 0x7d, 0x60, 0x96, 0xf3, 0xd6, 0x97, 0x65, 0x59, 0x33,
    ];
}
