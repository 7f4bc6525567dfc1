//! What differs between operating systems.
//!
//! Owns every call that only Unix knows, each with a fallback for Windows, and decides nothing about scans. Built on the
//! standard library: the flags that it does not name are listed here for the systems on which they are known.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::{File, FileType, OpenOptions};
use std::io;
use std::path::Path;

/// What kind of thing stands in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, never followed.
    Symlink,
    /// Neither: reading it could block for ever or do something. The name is for people.
    Special(&'static str),
}

/// The kind of a folder's entry, or of an open file.
pub fn kind(file_type: FileType) -> Kind {
    if file_type.is_file() {
        return Kind::File;
    }
    if file_type.is_dir() {
        return Kind::Folder;
    }
    if file_type.is_symlink() {
        return Kind::Symlink;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return Kind::Special("named pipe");
        }
        if file_type.is_socket() {
            return Kind::Special("socket");
        }
        if file_type.is_block_device() || file_type.is_char_device() {
            return Kind::Special("device");
        }
    }
    Kind::Special("special file")
}

/// Opens `path` for reading without following a symbolic link in its last part and without waiting: what was a file when its
/// folder was listed may have become a pipe since. The caller looks at the kind of what it got.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(NO_FOLLOW | NO_WAIT);
    }
    options.open(path)
}

/// An open folder. Its files are opened from it, so that the system need not find the way to them for each anew.
pub struct OpenFolder {
    #[cfg(unix)]
    folder: std::os::fd::OwnedFd,
}

#[cfg(unix)]
impl OpenFolder {
    /// Opens the folder at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { folder: rustix::fs::open(path, flags, Mode::empty())? })
    }

    /// Opens the file `name` in it as [`open`] does.
    pub fn file(&self, name: &OsStr) -> io::Result<File> {
        use rustix::fs::{Mode, OFlags};
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        loop {
            match rustix::fs::openat(&self.folder, name, flags, Mode::empty()) {
                Err(rustix::io::Errno::INTR) => {}
                opened => return Ok(File::from(opened?)),
            }
        }
    }
}

#[cfg(not(unix))]
impl OpenFolder {
    /// Fails: files are opened by their paths here.
    pub fn open(_path: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Fails likewise.
    pub fn file(&self, _name: &OsStr) -> io::Result<File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether the failure of [`open`] means that the path is a symbolic link.
pub fn is_symlink_refused(error: &io::Error) -> bool {
    SYMLINK_REFUSED != 0 && error.raw_os_error() == Some(SYMLINK_REFUSED)
}

// From the systems' headers. Zero where they are not known to us: the file is then opened plainly.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "x86", target_arch = "riscv64", target_arch = "s390x")
))]
const NO_FOLLOW: i32 = 0o400_000;
#[cfg(all(target_os = "linux", any(target_arch = "aarch64", target_arch = "arm", target_arch = "powerpc64")))]
const NO_FOLLOW: i32 = 0o100_000;
#[cfg(target_vendor = "apple")]
const NO_FOLLOW: i32 = 0x100;
#[cfg(all(
    unix,
    not(target_vendor = "apple"),
    not(all(
        target_os = "linux",
        any(
            target_arch = "x86_64",
            target_arch = "x86",
            target_arch = "riscv64",
            target_arch = "s390x",
            target_arch = "aarch64",
            target_arch = "arm",
            target_arch = "powerpc64"
        )
    ))
))]
const NO_FOLLOW: i32 = 0;

#[cfg(target_os = "linux")]
const NO_WAIT: i32 = 0o4_000;
#[cfg(target_vendor = "apple")]
const NO_WAIT: i32 = 0x4;
#[cfg(all(unix, not(any(target_os = "linux", target_vendor = "apple"))))]
const NO_WAIT: i32 = 0;

#[cfg(target_os = "linux")]
const SYMLINK_REFUSED: i32 = 40;
#[cfg(target_vendor = "apple")]
const SYMLINK_REFUSED: i32 = 62;
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
const SYMLINK_REFUSED: i32 = 0;

/// Whether the running user owns `path` itself, not what it may point to.
pub fn is_ours(path: &Path) -> io::Result<bool> {
    gix::sec::identity::is_path_owned_by_current_user(path)
}

/// Standard input for reading; an error if it is closed.
#[cfg(unix)]
pub fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    // Open it as a file: the standard library treats an unreadable standard input as empty.
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    // The library replaces a closed one with `/dev/null`, open for reading and writing. Shells open
    // it for reading only.
    let mode = rustix::fs::fcntl_getfl(&input)? & rustix::fs::OFlags::RWMODE;
    let found = input.metadata()?;
    let is_null = || std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == found.rdev());
    if mode == rustix::fs::OFlags::RDWR && found.file_type().is_char_device() && is_null() {
        return Err(io::Error::new(io::ErrorKind::NotConnected, "it is closed"));
    }
    Ok(input)
}

/// Standard input, to be read.
#[cfg(not(unix))]
pub fn standard_input() -> io::Result<io::StdinLock<'static>> {
    Ok(io::stdin().lock())
}

/// Whether both are in the same file system, as far as the system reports it.
pub fn on_one_file_system(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| std::fs::metadata(path).map(|found| found.dev()).ok();
        device(one).zip(device(other)).is_none_or(|(one, other)| one == other)
    }
    #[cfg(not(unix))]
    {
        let _ = (one, other);
        true
    }
}

/// The bytes of a name as git would write it. On Windows, where names are not bytes, text with `/` between segments.
pub fn path_bytes(name: &OsStr) -> Cow<'_, [u8]> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Cow::Borrowed(name.as_bytes())
    }
    #[cfg(not(unix))]
    {
        Cow::Owned(name.to_string_lossy().replace('\\', "/").into_bytes())
    }
}

/// The name of these bytes; the other way round of [`path_bytes`].
pub fn path_name(bytes: &[u8]) -> OsString {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        OsStr::from_bytes(bytes).to_owned()
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn opens_files_and_refuses_links() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let link = folder.path().join("link");
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(open(&file).is_ok());
        assert!(is_symlink_refused(&open(&link).unwrap_err()));
        let opened = OpenFolder::open(folder.path()).unwrap();
        assert!(opened.file("file".as_ref()).is_ok());
        assert!(is_symlink_refused(&opened.file("link".as_ref()).unwrap_err()));
        assert_eq!(opened.file("gone".as_ref()).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(is_ours(&file).unwrap());
    }

    #[test]
    #[cfg(unix)]
    fn opening_a_pipe_does_not_wait() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        super::super::fixture::make_pipe(&pipe);
        let opened = open(&pipe).unwrap();
        assert_eq!(kind(opened.metadata().unwrap().file_type()), Kind::Special("named pipe"));
    }
}
