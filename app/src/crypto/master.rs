//! The master key, in a file of its own.
//!
//! Owns the key file: one key in each line as 64 hex digits, the newest first. The newest seals; the others still open what was sealed
//! before. The file is read again when a key is asked for that is not known, so that running copies follow a rotation.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use penstock_common::{Secret, Uuid};
use sha2::{Digest, Sha256};

use super::data_key::DataKey;
use super::seal::{self, Place, SealingKey};
use super::{CryptoError, LogKey, random};
use crate::hex;

/// Most keys that a file may hold.
const KEYS_MAX: usize = 64;
const DATA_KEY: &str = "tenants.data_key";

/// Names a master key without telling it: a digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 16]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The keys of a key file.
#[derive(Clone, Debug)]
pub struct MasterKeys {
    path: Arc<Path>,
    keys: Arc<RwLock<Vec<MasterKey>>>,
}

/// A line of the file, ready to be used.
#[derive(Clone, Debug)]
struct MasterKey {
    sealing: SealingKey,
    log: LogKey,
}

impl MasterKey {
    fn new(material: &[u8; 32]) -> Result<Self, CryptoError> {
        let id = id(material);
        Ok(Self { sealing: SealingKey::new(id, material)?, log: LogKey::of(KeyId(id), material) })
    }

    const fn id(&self) -> KeyId {
        KeyId(self.sealing.id())
    }
}

impl MasterKeys {
    /// Reads a key file.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or it holds anything but keys.
    pub fn read(path: &Path) -> Result<Self, CryptoError> {
        Ok(Self { path: path.into(), keys: Arc::new(RwLock::new(read(path)?)) })
    }

    /// Reads a key file, or makes one with a new key (mode 0600) if there is none.
    ///
    /// # Errors
    /// As [`MasterKeys::read`], and when it cannot be made.
    pub fn read_or_create(path: &Path) -> Result<Self, CryptoError> {
        if !path.try_exists().map_err(|source| CryptoError::File { path: path.into(), source })? {
            write(path, &[hex::encode(&random::<32>()?)])?;
        }
        Self::read(path)
    }

    /// The newest key's id.
    pub fn newest(&self) -> KeyId {
        // A file with no key is refused when it is read.
        self.with(|keys| keys.first().map_or(KeyId([0; 16]), MasterKey::id))
    }

    /// Whether the file holds this key, also if it was added since.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn has(&self, id: KeyId) -> Result<bool, CryptoError> {
        Ok(self.find(id)?.is_some())
    }

    /// The key that logs are written with: the newest's.
    ///
    /// # Errors
    /// Never, because a file without a key is refused when it is read.
    pub fn log_key(&self) -> Result<LogKey, CryptoError> {
        self.with(|keys| keys.first().map(|key| key.log.clone())).ok_or(CryptoError::NotOurs)
    }

    /// Those of all keys in the file.
    pub fn log_keys(&self) -> Vec<LogKey> {
        self.with(|keys| keys.iter().map(|key| key.log.clone()).collect())
    }

    /// Adds a new key, which seals from now on. Earlier ones stay, until nothing is sealed with them any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&self) -> Result<KeyId, CryptoError> {
        let told = fs::read_to_string(&self.path)
            .map_err(|source| CryptoError::File { path: self.path.to_path_buf(), source })?;
        let lines: Vec<String> =
            std::iter::once(hex::encode(&random::<32>()?)).chain(told.lines().map(str::to_owned)).collect();
        write(&self.path, &lines)?;
        self.reload()?;
        Ok(self.newest())
    }

    /// A new data key for a tenant, and its sealed form.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new_data_key(&self, tenant: Uuid) -> Result<(DataKey, Vec<u8>), CryptoError> {
        let material = DataKey::material()?;
        let sealed = self.seal(&place(tenant.as_bytes()), &material)?;
        Ok((DataKey::new(tenant, &material)?, sealed))
    }

    /// A tenant's data key from its sealed form.
    ///
    /// # Errors
    /// When it was changed, is another tenant's, or its master key is not in the file.
    pub fn data_key(&self, tenant: Uuid, sealed: &[u8]) -> Result<DataKey, CryptoError> {
        let material = self.open(&place(tenant.as_bytes()), sealed)?;
        DataKey::new(tenant, &material.try_into().map_err(|_| CryptoError::NotOurs)?)
    }

    /// The same data key, sealed with the newest master key; nothing if it is so already.
    ///
    /// # Errors
    /// As [`MasterKeys::data_key`].
    pub fn reseal(&self, tenant: Uuid, sealed: &[u8]) -> Result<Option<Vec<u8>>, CryptoError> {
        if seal::split(sealed)?.0 == self.newest().0 {
            return Ok(None);
        }
        let material = self.open(&place(tenant.as_bytes()), sealed)?;
        self.seal(&place(tenant.as_bytes()), &material).map(Some)
    }

    /// Seals a secret whose tenant is not known yet.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn seal_secret(&self, column: &str, row: &[u8], secret: &Secret) -> Result<Vec<u8>, CryptoError> {
        self.seal(&Place { column, row, tenant: &[] }, secret.expose().as_bytes())
    }

    /// Opens what [`MasterKeys::seal_secret`] made for the same place.
    ///
    /// # Errors
    /// When it was changed, or made for another place or with another key.
    pub fn open_secret(&self, column: &str, row: &[u8], sealed: &[u8]) -> Result<Secret, CryptoError> {
        let text = self.open(&Place { column, row, tenant: &[] }, sealed)?;
        String::from_utf8(text).map(Secret::new).map_err(|_| CryptoError::NotOurs)
    }

    fn seal(&self, place: &Place<'_>, value: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.with(|keys| keys.first().ok_or(CryptoError::NotOurs)?.sealing.seal(place, value))
    }

    fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let id = KeyId(seal::split(sealed)?.0);
        self.find(id)?.ok_or(CryptoError::UnknownKey(id))?.sealing.open(place, sealed)
    }

    fn find(&self, id: KeyId) -> Result<Option<MasterKey>, CryptoError> {
        let known = || self.with(|keys| keys.iter().find(|key| key.id() == id).cloned());
        match known() {
            Some(key) => Ok(Some(key)),
            None => {
                self.reload()?;
                Ok(known())
            }
        }
    }

    fn reload(&self) -> Result<(), CryptoError> {
        let keys = read(&self.path)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn with<T>(&self, ask: impl FnOnce(&[MasterKey]) -> T) -> T {
        ask(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

const fn place(tenant: &[u8]) -> Place<'_> {
    Place { column: DATA_KEY, row: tenant, tenant }
}

fn read(path: &Path) -> Result<Vec<MasterKey>, CryptoError> {
    let file = |source| CryptoError::File { path: path.into(), source };
    check_mode(path)?;
    let text = Secret::new(fs::read_to_string(path).map_err(file)?);
    let mut keys = Vec::new();
    for (number, line) in text.expose().lines().enumerate().take(KEYS_MAX) {
        let material =
            hex::decode(line.trim()).ok_or_else(|| CryptoError::NotAKey { path: path.into(), line: number + 1 })?;
        keys.push(MasterKey::new(&material)?);
    }
    if keys.is_empty() {
        return Err(CryptoError::NotAKey { path: path.into(), line: 1 });
    }
    Ok(keys)
}

/// Writes beside and renames: a crash leaves the old file or the new one.
fn write(path: &Path, lines: &[String]) -> Result<(), CryptoError> {
    let file = |source| CryptoError::File { path: path.into(), source };
    let beside: PathBuf = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&beside).map_err(file)?;
    out.write_all((lines.join("\n") + "\n").as_bytes()).and_then(|()| out.sync_all()).map_err(file)?;
    fs::rename(&beside, path).map_err(file)
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), CryptoError> {
    use std::os::unix::fs::PermissionsExt as _;
    let told = fs::metadata(path).map_err(|source| CryptoError::File { path: path.into(), source })?;
    // A file that is mounted for a group, as container platforms do, is fine; one for everybody is not.
    match told.permissions().mode() & 0o007 {
        0 => Ok(()),
        _ => Err(CryptoError::Open { path: path.into() }),
    }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), CryptoError> {
    Ok(())
}

fn id(material: &[u8; 32]) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"penstock master key\0");
    hash.update(material);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> (tempfile::TempDir, MasterKeys) {
        let folder = tempfile::tempdir().unwrap();
        let keys = MasterKeys::read_or_create(&folder.path().join("master.key")).unwrap();
        (folder, keys)
    }

    #[test]
    fn a_secret_opens_only_where_it_stood() {
        let (_folder, keys) = keys();
        let (one, other) = (Uuid::from([1; 16]), Uuid::from([2; 16]));
        let (key, sealed_key) = keys.new_data_key(one).unwrap();
        let secret = Secret::new("canary");
        let sealed = key.seal("hooks.secret", b"row", &secret).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_eq!(key.open("hooks.secret", b"row", &sealed).unwrap().expose(), "canary");
        assert!(key.open("hooks.secret", b"other", &sealed).is_err());
        assert!(key.open("other.secret", b"row", &sealed).is_err());
        assert!(keys.data_key(other, &sealed_key).is_err(), "another tenant's key");
        let again = keys.data_key(one, &sealed_key).unwrap();
        assert_eq!(again.open("hooks.secret", b"row", &sealed).unwrap().expose(), "canary");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("hooks.secret", b"row", &changed).is_err(), "{at}");
            assert!(key.open("hooks.secret", b"row", &sealed[..at]).is_err(), "{at}");
        }
        assert!(!format!("{key:?} {keys:?}").contains("canary"));
    }

    #[test]
    fn rotation_is_followed_by_who_runs_already() {
        let (folder, keys) = keys();
        let running = MasterKeys::read(&folder.path().join("master.key")).unwrap();
        let tenant = Uuid::from([1; 16]);
        let (key, old) = running.new_data_key(tenant).unwrap();
        let sealed = key.seal("t.c", b"", &Secret::new("x")).unwrap();
        let first = keys.newest();
        assert_ne!(keys.add().unwrap(), first);
        let new = keys.reseal(tenant, &old).unwrap().unwrap();
        assert_eq!(keys.reseal(tenant, &new).unwrap(), None);
        for form in [&old, &new] {
            assert_eq!(running.data_key(tenant, form).unwrap().open("t.c", b"", &sealed).unwrap().expose(), "x");
        }
        assert_eq!(running.newest(), keys.newest());
    }

    #[test]
    fn a_file_that_is_no_key_file_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        write(&path, &["00".repeat(32), "short".to_owned()]).unwrap();
        assert!(matches!(MasterKeys::read(&path), Err(CryptoError::NotAKey { line: 2, .. })));
        write(&path, &[]).unwrap();
        assert!(matches!(MasterKeys::read(&path), Err(CryptoError::NotAKey { line: 1, .. })));
        assert!(matches!(MasterKeys::read(&folder.path().join("none")), Err(CryptoError::File { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, _keys) = keys();
        let path = folder.path().join("master.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        assert!(matches!(MasterKeys::read(&path), Err(CryptoError::Open { .. })));
    }
}
