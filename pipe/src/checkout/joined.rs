//! Several object folders as one store.
//!
//! Owns the list of folders that the library reads as alternates. It is in a temporary folder that
//! only this user can read; nothing is written to a repository.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// One store of these object folders. The library reads one folder and its alternates, so this
/// creates a folder with alternates only.
pub(super) fn store(object_dirs: &[PathBuf], largest: usize) -> io::Result<(tempfile::TempDir, Arc<gix::odb::Store>)> {
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(folder.path().join("info"))?;
    fs::create_dir_all(folder.path().join("pack"))?;
    fs::write(folder.path().join("info").join("alternates"), alternates(object_dirs)?)?;
    let options = gix::odb::store::init::Options { alloc_limit_bytes: Some(largest), ..Default::default() };
    let store = gix::odb::Store::at_opts(folder.path().to_owned(), &mut std::iter::empty(), options)?;
    Ok((folder, Arc::new(store)))
}

/// The content of an `alternates` file that lists these folders.
pub(super) fn alternates(object_dirs: &[PathBuf]) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for folder in object_dirs {
        let line = super::platform::path_bytes(folder.as_os_str());
        if line.contains(&b'\n') {
            return Err(io::Error::other("the path of an object folder contains a line break"));
        }
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    Ok(lines)
}
