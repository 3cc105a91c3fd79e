//! Type supports of installed interface packages, loaded at run time.
//!
//! Each package installs `lib<package>__rosidl_typesupport_c.so`, whose handles rcl takes, and
//! `lib<package>__rosidl_generator_c.so`, which makes and frees the C structs.
#![allow(unsafe_code)]

use super::schema::{Schema, SchemaError, SchemaStore, ServiceSchema, TypeName};
use libloading::Library;
use parking_lot::Mutex;
use remote_access_cdr::{Definition, DefinitionError};
use std::collections::HashMap;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;

/// Why a type cannot be written or called.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum TypeSupportError {
    /// It has no definition.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Its definition cannot be read.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// A library of its package is missing or broken.
    #[error("cannot load the type support of {type_name}: {reason}")]
    Library {
        /// The type.
        type_name: String,
        /// Reason.
        reason: LibraryError,
    },
}

/// Why a library of an interface package cannot be used.
#[derive(Debug, Clone, Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The package is not installed here.
    #[error("package {0} is not installed")]
    NoPackage(String),
    /// The library, or a function that it should have, cannot be loaded.
    #[error("{0}")]
    Load(Arc<libloading::Error>),
    /// It has no type support for the middleware that is used.
    #[error("there is none for this middleware")]
    NoHandle,
}

impl From<libloading::Error> for LibraryError {
    fn from(error: libloading::Error) -> Self {
        Self::Load(Arc::new(error))
    }
}

/// Functions to make, read and write messages of one type.
pub(super) struct MessageSupport {
    pub definition: Definition,
    /// `rosidl_message_type_support_t` of the C messages.
    pub type_support: *const c_void,
    pub create: unsafe extern "C" fn() -> *mut c_void,
    pub destroy: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: type supports are static data of libraries that are never unloaded.
unsafe impl Send for MessageSupport {}
// SAFETY: as above; they are only read.
unsafe impl Sync for MessageSupport {}

/// Functions to call services of one type.
pub(super) struct ServiceSupport {
    /// `rosidl_service_type_support_t` of the C messages.
    pub type_support: *const c_void,
    pub request: Arc<MessageSupport>,
    pub response: Arc<MessageSupport>,
}

// SAFETY: type supports are static data of libraries that are never unloaded.
unsafe impl Send for ServiceSupport {}
// SAFETY: as above; they are only read.
unsafe impl Sync for ServiceSupport {}

type Known<T> = Mutex<HashMap<String, Result<Arc<T>, TypeSupportError>>>;

/// Loads type supports and keeps them.
pub(super) struct TypeSupports {
    schemas: Arc<SchemaStore>,
    libraries: Mutex<HashMap<PathBuf, Arc<Library>>>,
    messages: Known<MessageSupport>,
    services: Known<ServiceSupport>,
}

impl TypeSupports {
    pub(super) fn new(schemas: Arc<SchemaStore>) -> Self {
        Self {
            schemas,
            libraries: Mutex::default(),
            messages: Mutex::default(),
            services: Mutex::default(),
        }
    }

    /// The support of a message type, loaded at its first use.
    pub(super) fn message(&self, type_name: &str) -> Result<Arc<MessageSupport>, TypeSupportError> {
        known(&self.messages, type_name, || {
            let name: TypeName = type_name.parse().map_err(SchemaError::from)?;
            let schema = self.schemas.get(type_name)?;
            let parts = (name.package(), "msg", name.name());
            self.load_message(parts, schema.encoding, &schema.text)
        })
    }

    /// The support of a service type, loaded at its first use.
    pub(super) fn service(&self, type_name: &str) -> Result<Arc<ServiceSupport>, TypeSupportError> {
        known(&self.services, type_name, || {
            let schema = self.schemas.service(type_name)?;
            let ServiceSchema {
                name,
                request,
                response,
            } = &*schema;
            let half = |schema: &Schema, suffix: &str| {
                let type_name = format!("{}{suffix}", name.name());
                let parts = (name.package(), "srv", type_name.as_str());
                self.load_message(parts, schema.encoding, &schema.text)
                    .map(Arc::new)
            };
            let symbol = format!("{}__srv__{}", name.package(), name.name());
            let handle = format!("rosidl_typesupport_c__get_service_type_support_handle__{symbol}");
            Ok(ServiceSupport {
                type_support: self
                    .handle(name.package(), &handle)
                    .map_err(|reason| library_error(type_name, reason))?,
                request: half(request, "_Request")?,
                response: half(response, "_Response")?,
            })
        })
    }

    fn load_message(
        &self,
        (package, kind, name): (&str, &str, &str),
        encoding: &str,
        text: &str,
    ) -> Result<MessageSupport, TypeSupportError> {
        let type_name = format!("{package}/{kind}/{name}");
        let definition = match encoding {
            "ros2idl" => Definition::parse_idl(&type_name, text)?,
            _ => Definition::parse(&type_name, text)?,
        };
        let symbol = format!("{package}__{kind}__{name}");
        let load = || {
            let handle = format!("rosidl_typesupport_c__get_message_type_support_handle__{symbol}");
            let type_support = self.handle(package, &handle)?;
            let generated = self.library(package, "rosidl_generator_c")?;
            // SAFETY: rosidl_generator_c generates these two functions with these signatures for
            // each message; the library stays loaded as long as the process.
            let (create, destroy) = unsafe {
                (
                    *symbol_of(&generated, &format!("{symbol}__create"))?,
                    *symbol_of(&generated, &format!("{symbol}__destroy"))?,
                )
            };
            Ok(MessageSupport {
                definition,
                type_support,
                create,
                destroy,
            })
        };
        load().map_err(|reason| library_error(&type_name, reason))
    }

    /// Calls a function that returns a type support.
    fn handle(&self, package: &str, function: &str) -> Result<*const c_void, LibraryError> {
        let library = self.library(package, "rosidl_typesupport_c")?;
        // SAFETY: rosidl_typesupport_c generates such functions, which take nothing and return the
        // address of static data.
        let handle = unsafe {
            let function =
                symbol_of::<unsafe extern "C" fn() -> *const c_void>(&library, function)?;
            function()
        };
        if handle.is_null() {
            return Err(LibraryError::NoHandle);
        }
        Ok(handle)
    }

    fn library(&self, package: &str, generator: &str) -> Result<Arc<Library>, LibraryError> {
        let prefix = self
            .schemas
            .prefix(package)
            .ok_or_else(|| LibraryError::NoPackage(package.to_owned()))?;
        let path = prefix
            .join("lib")
            .join(format!("lib{package}__{generator}.so"));
        let mut libraries = self.libraries.lock();
        if let Some(library) = libraries.get(&path) {
            return Ok(Arc::clone(library));
        }
        // SAFETY: an interface package's library; what it runs when loaded registers nothing but
        // itself. It is kept from being unloaded below.
        let library = unsafe { Library::new(&path) }?;
        let library = Arc::new(library);
        // Type supports point into it, from everywhere and for ever.
        std::mem::forget(Arc::clone(&library));
        libraries.insert(path, Arc::clone(&library));
        Ok(library)
    }
}

fn known<T>(
    known: &Known<T>,
    type_name: &str,
    load: impl FnOnce() -> Result<T, TypeSupportError>,
) -> Result<Arc<T>, TypeSupportError> {
    let mut known = known.lock();
    if let Some(support) = known.get(type_name) {
        return support.clone();
    }
    let support = load().map(Arc::new);
    // What is missing may be installed later; type names come from viewers too, so that only what
    // exists is kept.
    if support.is_ok() {
        known.insert(type_name.to_owned(), support.clone());
    }
    support
}

fn library_error(type_name: &str, reason: LibraryError) -> TypeSupportError {
    TypeSupportError::Library {
        type_name: type_name.to_owned(),
        reason,
    }
}

/// # Safety
/// The library's symbol of this name is a `T`.
unsafe fn symbol_of<'l, T>(
    library: &'l Library,
    name: &str,
) -> Result<libloading::Symbol<'l, T>, LibraryError> {
    // SAFETY: as required from the caller.
    Ok(unsafe { library.get(name.as_bytes()) }?)
}
