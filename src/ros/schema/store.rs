//! The store of schemas, read from the ament index.

use super::definition::{Schema, ServiceSchema};
use super::error::SchemaError;
use super::format::Format;
use super::type_name::TypeName;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The line between definitions: 80 times `=`.
const SEPARATOR: &str =
    "================================================================================";

/// Reads schemas and keeps them.
pub struct SchemaStore {
    prefixes: Vec<PathBuf>,
    known: Mutex<HashMap<String, Result<Schema, SchemaError>>>,
    pub(super) services: Mutex<HashMap<String, Result<Arc<ServiceSchema>, SchemaError>>>,
}

impl SchemaStore {
    /// A store that reads from these prefixes, the first one first.
    #[must_use]
    pub fn new(prefixes: Vec<PathBuf>) -> Self {
        Self {
            prefixes,
            known: Mutex::default(),
            services: Mutex::default(),
        }
    }

    /// A store that reads from the prefixes of AMENT_PREFIX_PATH.
    #[must_use]
    pub fn from_env() -> Self {
        let path = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
        Self::new(
            std::env::split_paths(&path)
                .filter(|prefix| !prefix.as_os_str().is_empty())
                .collect(),
        )
    }

    /// The schema of a type, read at its first use.
    ///
    /// # Errors
    /// The same error each time: what is missing when the node starts stays missing.
    pub fn get(&self, type_name: &str) -> Result<Schema, SchemaError> {
        let mut known = self.known.lock();
        if let Some(schema) = known.get(type_name) {
            return schema.clone();
        }
        let schema = type_name
            .parse::<TypeName>()
            .map_err(SchemaError::from)
            .and_then(|name| self.load(&name));
        known.insert(type_name.to_owned(), schema.clone());
        schema
    }

    fn load(&self, name: &TypeName) -> Result<Schema, SchemaError> {
        let (encoding, text) = match self.text(name, Format::Msg) {
            Ok(text) => ("ros2msg", text),
            // The type or one of those it uses may exist as .idl only.
            Err(SchemaError::NoDefinition(_)) => ("ros2idl", self.text(name, Format::Idl)?),
            Err(problem) => return Err(problem),
        };
        Ok(Schema {
            name: name.to_string().into(),
            encoding,
            text: text.into(),
            hash: self.hash(name),
        })
    }

    /// The definition of `root` followed by those of all types it uses, each once.
    pub(super) fn text(&self, root: &TypeName, format: Format) -> Result<String, SchemaError> {
        self.complete(self.definition(root, format)?, root, format)
    }

    /// `definition`, which is that of `root`, followed by those of all types it uses, each once.
    pub(super) fn complete(
        &self,
        definition: String,
        root: &TypeName,
        format: Format,
    ) -> Result<String, SchemaError> {
        let mut text = String::new();
        let mut of_root = Some(definition);
        let mut seen = HashSet::from([root.clone()]);
        let mut pending = VecDeque::from([root.clone()]);
        while let Some(name) = pending.pop_front() {
            let definition = match of_root.take() {
                Some(definition) => definition,
                None => self.definition(&name, format)?,
            };
            let dependencies = format.dependencies(&definition, &name).map_err(|reason| {
                SchemaError::Malformed {
                    of: name.clone(),
                    reason,
                }
            })?;
            if let Some(heading) = format.heading(&name, &name == root) {
                if !text.is_empty() {
                    text.push('\n');
                }
                text.push_str(SEPARATOR);
                text.push('\n');
                text.push_str(&heading);
                text.push('\n');
            }
            text.push_str(&definition);
            if !text.ends_with('\n') {
                text.push('\n');
            }
            pending.extend(
                dependencies
                    .into_iter()
                    .filter(|dependency| seen.insert(dependency.clone())),
            );
        }
        Ok(text)
    }

    pub(super) fn definition(
        &self,
        name: &TypeName,
        format: Format,
    ) -> Result<String, SchemaError> {
        let path = self.interface_path(name, format.extension(name))?;
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
                Err(SchemaError::NoDefinition(name.clone()))
            }
            Err(problem) => Err(SchemaError::Unreadable {
                path,
                reason: problem.to_string(),
            }),
        }
    }

    fn interface_path(&self, name: &TypeName, extension: &str) -> Result<PathBuf, SchemaError> {
        let share = self
            .share(name.package())
            .ok_or_else(|| SchemaError::NoPackage(name.package().to_owned()))?;
        Ok(share
            .join(name.kind())
            .join(format!("{}.{extension}", name.name())))
    }

    /// The share directory of a package.
    pub(in crate::ros) fn share(&self, package: &str) -> Option<PathBuf> {
        Some(self.prefix(package)?.join("share").join(package))
    }

    /// The first prefix whose index lists a package.
    pub(in crate::ros) fn prefix(&self, package: &str) -> Option<&Path> {
        let marker = Path::new("share/ament_index/resource_index/packages").join(package);
        let found = |prefix: &&PathBuf| prefix.join(&marker).exists();
        self.prefixes.iter().find(found).map(PathBuf::as_path)
    }

    /// The hash in the type's installed description, if there is one.
    fn hash(&self, name: &TypeName) -> Option<Arc<str>> {
        let path = self.interface_path(name, "json").ok()?;
        let description: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
        let full_name = name.to_string();
        description
            .get("type_hashes")?
            .as_array()?
            .iter()
            .find(|entry| entry.get("type_name").and_then(|n| n.as_str()) == Some(&full_name))?
            .get("hash_string")?
            .as_str()
            .map(Arc::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A prefix with packages `a` and `b`.
    fn prefix(files: &[(&str, &str)]) -> (tempfile::TempDir, SchemaStore) {
        let prefix = tempfile::tempdir().expect("temporary directory");
        for (path, text) in files {
            let package = path.split('/').next().expect("package");
            let index = prefix
                .path()
                .join("share/ament_index/resource_index/packages");
            fs::create_dir_all(&index).expect("index");
            fs::write(index.join(package), "").expect("marker");
            let path = prefix.path().join("share").join(path);
            fs::create_dir_all(path.parent().expect("parent")).expect("directory");
            fs::write(path, text).expect("definition");
        }
        let store = SchemaStore::new(vec![prefix.path().to_owned()]);
        (prefix, store)
    }

    #[test]
    fn dependencies_follow_once_each_with_their_comments() {
        let (_prefix, store) = prefix(&[
            (
                "a/msg/Root.msg",
                "# about Root\nLeaf one # why\nb/Other[] two\nLeaf three",
            ),
            ("a/msg/Leaf.msg", "int32 x\n"),
            ("b/msg/Other.msg", "Deep d\na/Leaf l\n"),
            ("b/msg/Deep.msg", "string s\n"),
        ]);
        let schema = store.get("a/msg/Root").expect("schema");
        assert_eq!(
            (&*schema.name, schema.encoding, &schema.hash),
            ("a/msg/Root", "ros2msg", &None)
        );
        let line = "=".repeat(80);
        assert_eq!(
            &*schema.text,
            format!(
                "# about Root\nLeaf one # why\nb/Other[] two\nLeaf three\n\
                 \n{line}\nMSG: a/Leaf\nint32 x\n\
                 \n{line}\nMSG: b/Other\nDeep d\na/Leaf l\n\
                 \n{line}\nMSG: b/Deep\nstring s\n"
            )
        );
    }

    #[test]
    fn types_that_use_each_other_end() {
        let (_prefix, store) = prefix(&[("a/msg/X.msg", "Y y\n"), ("a/msg/Y.msg", "X[] x\n")]);
        assert_eq!(
            store
                .get("a/msg/X")
                .expect("schema")
                .text
                .matches("MSG:")
                .count(),
            1
        );
    }

    #[test]
    fn a_dependency_without_msg_makes_all_of_it_idl() {
        let (_prefix, store) = prefix(&[
            ("a/msg/Root.msg", "Leaf leaf\n"),
            (
                "a/msg/Root.idl",
                "#include \"a/msg/Leaf.idl\"\nmodule a {};\n",
            ),
            ("a/msg/Leaf.idl", "module leaf {};\n"),
        ]);
        let schema = store.get("a/msg/Root").expect("schema");
        let line = "=".repeat(80);
        assert_eq!(schema.encoding, "ros2idl");
        assert_eq!(
            &*schema.text,
            format!(
                "{line}\nIDL: a/msg/Root\n#include \"a/msg/Leaf.idl\"\nmodule a {{}};\n\
                 \n{line}\nIDL: a/msg/Leaf\nmodule leaf {{}};\n"
            )
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_prefix, store) = prefix(&[("a/msg/Root.msg", "nowhere/Thing t\n")]);
        assert_eq!(
            store.get("c/msg/X"),
            Err(SchemaError::NoPackage("c".into()))
        );
        assert_eq!(
            store.get("a/msg/Root"),
            Err(SchemaError::NoPackage("nowhere".into()))
        );
        assert_eq!(
            store.get("a/msg/Gone").expect_err("missing").to_string(),
            "package a has no definition of a/msg/Gone"
        );
    }

    #[test]
    fn the_first_prefix_that_lists_a_package_wins() {
        let (under, _) = prefix(&[("a/msg/T.msg", "int32 under\n")]);
        let (over, _) = prefix(&[("a/msg/T.msg", "int32 over\n")]);
        // Holds files of the package, but its index does not list it.
        let (unlisted, _) = prefix(&[("a/msg/T.msg", "int32 unlisted\n")]);
        fs::remove_file(
            unlisted
                .path()
                .join("share/ament_index/resource_index/packages/a"),
        )
        .expect("marker");
        let prefixes = [&unlisted, &over, &under].map(|p| p.path().to_owned());
        let schema = SchemaStore::new(prefixes.to_vec())
            .get("a/msg/T")
            .expect("schema");
        assert_eq!(&*schema.text, "int32 over\n");
    }

    #[test]
    fn the_hash_is_the_types_own() {
        let json = r#"{"type_hashes": [{"type_name": "a/msg/Other", "hash_string": "RIHS01_0"},
                        {"type_name": "a/msg/T", "hash_string": "RIHS01_1"}]}"#;
        let (_prefix, store) = prefix(&[("a/msg/T.msg", "int32 x\n"), ("a/msg/T.json", json)]);
        assert_eq!(
            store.get("a/msg/T").expect("schema").hash.as_deref(),
            Some("RIHS01_1")
        );
    }
}
