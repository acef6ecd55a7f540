//! A log file with an end: at its size it becomes `NAME.1` and a new one begins.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file that never grows beyond its size, and its predecessor.
pub(crate) struct RotatingFile {
    path: PathBuf,
    file: File,
    written: u64,
    limit_bytes: u64,
}

impl RotatingFile {
    /// Opens or goes on with a file.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub(crate) fn open(path: &Path, limit_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let written = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, written, limit_bytes })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let mut older = self.path.as_os_str().to_owned();
        older.push(".1");
        std::fs::rename(&self.path, older)?;
        self.file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        self.written = 0;
        Ok(())
    }
}

impl Write for RotatingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written > 0 && self.written + bytes.len() as u64 > self.limit_bytes {
            self.rotate()?;
        }
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_at_most_and_none_above_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let mut log = RotatingFile::open(&path, 100).unwrap();
        for _ in 0..50 {
            log.write_all(&[b'x'; 30]).unwrap();
        }
        let sizes: Vec<u64> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size <= 100 && *size > 0));
    }
}
