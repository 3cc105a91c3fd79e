//! Files of installed packages.

use super::filter::Patterns;
use super::schema::SchemaStore;
use bytes::Bytes;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use thiserror::Error;

const SCHEME: &str = "package://";

/// Which files may be read.
#[derive(Debug, Clone)]
pub struct AssetPolicy {
    /// Regular expressions, of which one must match the whole URI (parameter
    /// `asset_uri_allowlist`).
    pub allow: Patterns,
    /// Largest file in bytes.
    pub max_bytes: usize,
}

/// Why a file is not given. The texts name no directory of this machine.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AssetError {
    /// It is no `package://` URI.
    #[error("only URIs of the form package://name/path are supported")]
    Scheme,
    /// The policy does not allow it.
    #[error("not allowed by parameter asset_uri_allowlist")]
    NotAllowed,
    /// The path has `..`, or is not written as paths are.
    #[error("the path is not valid")]
    BadPath,
    /// No such package is installed.
    #[error("package {0} is not installed")]
    NoPackage(String),
    /// A link leads out of the package's directory.
    #[error("the file is not in its package")]
    Outside,
    /// It is a directory or something else that is no file.
    #[error("not a file")]
    NotAFile,
    /// It is too large.
    #[error("larger than {0} bytes")]
    TooLarge(usize),
    /// The system says no.
    #[error("cannot be read: {0}")]
    Io(io::ErrorKind),
}

impl From<io::Error> for AssetError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Reads a file of a package.
pub(super) fn fetch(
    schemas: &SchemaStore,
    uri: &str,
    policy: &AssetPolicy,
) -> Result<Bytes, AssetError> {
    let rest = uri.strip_prefix(SCHEME).ok_or(AssetError::Scheme)?;
    if !policy.allow.matches(uri) {
        return Err(AssetError::NotAllowed);
    }
    let (package, path) = rest.split_once('/').ok_or(AssetError::BadPath)?;
    let path = relative(path)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if package.is_empty() || !package.chars().all(is_name) {
        return Err(AssetError::BadPath);
    }
    let share = schemas
        .share(package)
        .ok_or_else(|| AssetError::NoPackage(package.to_owned()))?
        .canonicalize()?;
    // All links are followed here; what is opened below has none.
    let file = share.join(path).canonicalize()?;
    if !file.starts_with(&share) {
        return Err(AssetError::Outside);
    }
    read(&file, policy.max_bytes)
}

/// The path behind the package, decoded, which cannot lead out of it.
fn relative(encoded: &str) -> Result<PathBuf, AssetError> {
    let decoded = percent_decoded(encoded).ok_or(AssetError::BadPath)?;
    let path = PathBuf::from(OsStr::from_bytes(&decoded));
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let is_path = !decoded.is_empty() && !decoded.contains(&0);
    (is_plain && is_path)
        .then_some(path)
        .ok_or(AssetError::BadPath)
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        let value = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(value).ok()?);
    }
    Some(decoded)
}

fn read(path: &Path, max_bytes: usize) -> Result<Bytes, AssetError> {
    // Before it is opened: opening a pipe would wait.
    if !path.metadata()?.is_file() {
        return Err(AssetError::NotAFile);
    }
    let file = File::open(path)?;
    let too_large = AssetError::TooLarge(max_bytes);
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if size > max_bytes {
        return Err(too_large);
    }
    let mut bytes = Vec::with_capacity(size);
    // It may grow while it is read.
    file.take(max_bytes as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max_bytes {
        return Err(too_large);
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn store() -> (tempfile::TempDir, SchemaStore) {
        let prefix = tempfile::tempdir().expect("a directory");
        let index = prefix
            .path()
            .join("share/ament_index/resource_index/packages");
        let share = prefix.path().join("share/robot");
        fs::create_dir_all(&index).expect("an index");
        fs::create_dir_all(share.join("meshes")).expect("a directory");
        fs::write(index.join("robot"), "").expect("a marker");
        fs::write(prefix.path().join("share/secret.stl"), "secret").expect("a file");
        fs::write(share.join("meshes/a b.stl"), "mesh").expect("a file");
        symlink("a b.stl", share.join("meshes/inner.stl")).expect("a link");
        symlink("../../secret.stl", share.join("meshes/outer.stl")).expect("a link");
        symlink("..", share.join("up")).expect("a link");
        let store = SchemaStore::new(vec![prefix.path().to_owned()]);
        (prefix, store)
    }

    fn policy() -> AssetPolicy {
        AssetPolicy {
            allow: Patterns::new([r"package://.*\.stl", "package://robot/meshes"]).expect("valid"),
            max_bytes: 4,
        }
    }

    #[test]
    fn files_of_packages_are_given() {
        let (_prefix, store) = store();
        for uri in [
            "package://robot/meshes/a b.stl",
            "package://robot/meshes/%61%20b.stl",
            "package://robot/meshes/inner.stl",
        ] {
            assert_eq!(fetch(&store, uri, &policy()).expect(uri), "mesh");
        }
    }

    #[test]
    fn nothing_else_is() {
        let (prefix, store) = store();
        let outside = prefix.path().join("share/secret.stl");
        let absolute = format!("package://robot/{}", outside.display());
        for (uri, reason) in [
            (
                "file:///etc/x.stl",
                "only URIs of the form package://name/path are supported",
            ),
            (
                "package://robot/package.xml",
                "not allowed by parameter asset_uri_allowlist",
            ),
            ("package://robot/../secret.stl", "the path is not valid"),
            ("package://robot/%2e%2e/secret.stl", "the path is not valid"),
            ("package://robot/meshes/%2.stl", "the path is not valid"),
            ("package://robot/%00.stl", "the path is not valid"),
            (&absolute, "the path is not valid"),
            ("package://../secret.stl", "the path is not valid"),
            ("package://secret.stl", "the path is not valid"),
            ("package://other/x.stl", "package other is not installed"),
            (
                "package://robot/meshes/outer.stl",
                "the file is not in its package",
            ),
            (
                "package://robot/up/secret.stl",
                "the file is not in its package",
            ),
            ("package://robot/meshes", "not a file"),
            (
                "package://robot/meshes/gone.stl",
                "cannot be read: entity not found",
            ),
        ] {
            let error = fetch(&store, uri, &policy()).expect_err(uri);
            assert_eq!(error.to_string(), reason, "{uri}");
        }
    }

    #[test]
    fn size_is_limited() {
        let (_prefix, store) = store();
        let mut small = policy();
        small.max_bytes = 3;
        let error = fetch(&store, "package://robot/meshes/inner.stl", &small).expect_err("large");
        assert_eq!(error.to_string(), "larger than 3 bytes");
    }
}
