//! References of an `.idl` file.

use super::error::SchemaTextError;
use super::type_name::TypeName;

/// The message types whose files `definition` includes, in order, each once.
///
/// rosidl writes one `#include "package/msg/Type.idl"` for each type used.
pub(super) fn dependencies(definition: &str) -> Result<Vec<TypeName>, SchemaTextError> {
    let mut found = Vec::new();
    for line in definition.lines() {
        let Some(rest) = line.trim_start().strip_prefix('#') else {
            continue;
        };
        let Some(file) = rest.trim_start().strip_prefix("include").and_then(quoted) else {
            continue;
        };
        let name = file
            .strip_suffix(".idl")
            .and_then(|name| name.parse::<TypeName>().ok())
            .ok_or_else(|| SchemaTextError::Include(file.to_owned()))?;
        if !found.contains(&name) {
            found.push(name);
        }
    }
    Ok(found)
}

fn quoted(text: &str) -> Option<&str> {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .or_else(|| {
            text.strip_prefix('<')
                .and_then(|text| text.strip_suffix('>'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found() {
        let text = "// \"x\"\n#include \"a/msg/B.idl\"\n # include <c/msg/D.idl>\n#include \"a/msg/B.idl\"\nmodule e {};\n";
        let names: Vec<_> = dependencies(text)
            .expect("a definition")
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(names, ["a/msg/B", "c/msg/D"]);
    }

    #[test]
    fn other_includes_are_an_error() {
        assert!(dependencies("#include \"../x.idl\"").is_err());
    }
}
