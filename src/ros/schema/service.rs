//! Definitions of services.

use super::definition::{Schema, ServiceSchema};
use super::error::{SchemaError, SchemaTextError};
use super::format::Format;
use super::store::SchemaStore;
use super::type_name::TypeName;
use std::sync::Arc;

/// The line between request and response in a `.srv` file.
const BETWEEN: &str = "---";

impl SchemaStore {
    /// The schemas of a service type, read at its first use.
    ///
    /// # Errors
    /// As [`SchemaStore::get`].
    pub(crate) fn service(&self, type_name: &str) -> Result<Arc<ServiceSchema>, SchemaError> {
        let mut known = self.services.lock();
        if let Some(schema) = known.get(type_name) {
            return schema.clone();
        }
        let schema = TypeName::service(type_name)
            .map_err(SchemaError::from)
            .and_then(|name| self.load_service(name))
            .map(Arc::new);
        known.insert(type_name.to_owned(), schema.clone());
        schema
    }

    fn load_service(&self, name: TypeName) -> Result<ServiceSchema, SchemaError> {
        let [request, response] = match self.halves(&name) {
            Ok(halves) => halves.map(|text| ("ros2msg", Arc::from(text))),
            // The service or a type it uses may exist as .idl only, where one file has both halves.
            Err(SchemaError::NoDefinition(_)) => {
                let text: Arc<str> = self.text(&name, Format::Idl)?.into();
                [("ros2idl", Arc::clone(&text)), ("ros2idl", text)]
            }
            Err(problem) => return Err(problem),
        };
        let schema = |suffix: &str, (encoding, text)| Schema {
            name: format!("{name}_{suffix}").into(),
            encoding,
            text,
            hash: None,
        };
        Ok(ServiceSchema {
            request: schema("Request", request),
            response: schema("Response", response),
            name,
        })
    }

    /// Request and response of a `.srv` file, each with all types it uses.
    fn halves(&self, name: &TypeName) -> Result<[String; 2], SchemaError> {
        let definition = self.definition(name, Format::Msg)?;
        let lines: Vec<&str> = definition.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.trim() == BETWEEN)
            .ok_or_else(|| SchemaError::Malformed {
                of: name.clone(),
                reason: SchemaTextError::NoSeparator,
            })?;
        let half = |lines: &[&str]| self.complete(lines.join("\n"), name, Format::Msg);
        Ok([half(&lines[..at])?, half(&lines[at + 1..])?])
    }
}
