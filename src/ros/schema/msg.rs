//! References of a `.msg` file.

use super::error::SchemaTextError;
use super::type_name::TypeName;

/// Types built into the `.msg` language (rosidl_adapter's list).
const BUILTIN: &[&str] = &[
    "bool", "byte", "char", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32",
    "uint32", "int64", "uint64", "string", "wstring", "time", "duration",
];

/// The message types that fields of `definition` have, in order, each once.
///
/// Only the type at the start of each line matters: constants, defaults, array and string
/// bounds refer to nothing.
pub(super) fn dependencies(
    definition: &str,
    package: &str,
) -> Result<Vec<TypeName>, SchemaTextError> {
    let mut found = Vec::new();
    for line in definition.lines() {
        let Some(field_type) = field_type(line) else {
            continue;
        };
        // `Type[3]`, `Type[<=3]` and `Type[]`; `string<=5`.
        let base = field_type.split(['[', '<']).next().unwrap_or(field_type);
        if BUILTIN.contains(&base) {
            continue;
        }
        let name = resolve(base, package)
            .ok_or_else(|| SchemaTextError::FieldType(field_type.to_owned()))?;
        if !found.contains(&name) {
            found.push(name);
        }
    }
    Ok(found)
}

/// The first word of a line that declares something. Annotations (`@key`) may stand before it.
fn field_type(line: &str) -> Option<&str> {
    let code = line.split('#').next()?;
    code.split_whitespace().find(|word| !word.starts_with('@'))
}

fn resolve(base: &str, package: &str) -> Option<TypeName> {
    match *base.split('/').collect::<Vec<_>>() {
        [name] => TypeName::new(package, name),
        [package, name] | [package, "msg", name] => TypeName::new(package, name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(definition: &str) -> Vec<String> {
        dependencies(definition, "here")
            .expect("a definition")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn builtin_types_refer_to_nothing() {
        let definition = "
            # geometry_msgs/Point in a comment
            int32 a 5            # a default
            int32[] b [1, 2]
            string<=10 c
            string<=10[<=3] d
            wstring e \"Point #1\"
            byte[16] f
            uint8 CONSTANT=3
            string TEXT=\"other/Type x # y\"
        ";
        assert_eq!(names(definition), [""; 0]);
    }

    #[test]
    fn names_are_resolved_as_rosidl_does() {
        let definition = "Local a\ngeometry_msgs/Point[] b\nstd_msgs/msg/String c\n@key Local[<=2] e\nOther[4] f";
        let expected = [
            "here/msg/Local",
            "geometry_msgs/msg/Point",
            "std_msgs/msg/String",
            "here/msg/Other",
        ];
        assert_eq!(names(definition), expected);
    }

    #[test]
    fn what_is_no_type_is_an_error() {
        for bad in ["../x y", "a/b/c/d e", "a/srv/b c", "=== x"] {
            assert!(dependencies(bad, "here").is_err(), "{bad}");
        }
    }
}
