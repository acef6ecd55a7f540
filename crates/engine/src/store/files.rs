//! Files that are either the old or the new, never half; and markers whose removal needs no space.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

/// Replaces a file: written beside it, synced, renamed, folder synced. Mode 0600.
///
/// # Errors
/// Whatever the disk says; the old file is then untouched.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_folder(folder)
}

/// Removes what [`write_atomically`] left in a folder when it was killed. Best effort: what stays is only clutter.
pub(crate) fn remove_unfinished(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        if file.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Creates an empty file and makes its name durable.
///
/// # Errors
/// Whatever the disk says.
pub(crate) fn create_marker(path: &Path) -> io::Result<()> {
    File::create(path)?.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Removes a file if it is there and makes its absence durable. Needs no free space.
///
/// # Errors
/// Whatever the disk says.
pub(crate) fn remove_marker(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Moves a file that cannot be used out of the way and says where it is now.
///
/// # Errors
/// Whatever the disk says.
pub(crate) fn keep_aside(path: &Path, stamp: u64) -> io::Result<std::path::PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".damaged-{stamp}"));
    let aside = path.with_file_name(name);
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Makes a rename or removal in this folder durable. Other systems than Unix have no such call and do it by themselves.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// How the name of a file begins that was not renamed into place yet.
const UNFINISHED: &str = ".new-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_file_holds_the_new_content_and_leaves_nothing_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn removing_a_marker_twice_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m");
        create_marker(&path).unwrap();
        remove_marker(&path).unwrap();
        remove_marker(&path).unwrap();
        assert!(!path.exists());
    }
}
