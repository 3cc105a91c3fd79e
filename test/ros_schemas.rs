//! Schemas of the installed types.

use remote_access_bridge::ros::SchemaStore;
use std::collections::HashSet;
use std::fs;

/// The names of the definitions in a schema's text, in order.
fn headings(text: &str) -> Vec<&str> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line == "=".repeat(80) {
            found.push(lines.next().expect("a heading after the separator"));
        }
    }
    found
}

/// All message types of the sourced prefixes, as `package/msg/Type`.
fn installed() -> Vec<String> {
    let mut types = HashSet::new();
    for prefix in
        std::env::split_paths(&std::env::var_os("AMENT_PREFIX_PATH").expect("a ROS environment"))
    {
        for package in fs::read_dir(prefix.join("share"))
            .into_iter()
            .flatten()
            .flatten()
        {
            for file in fs::read_dir(package.path().join("msg"))
                .into_iter()
                .flatten()
                .flatten()
            {
                let path = file.path();
                if matches!(
                    path.extension().and_then(|e| e.to_str()),
                    Some("msg" | "idl")
                ) {
                    let (package, stem) = (package.file_name(), path.file_stem().expect("a name"));
                    types.insert(format!(
                        "{}/msg/{}",
                        package.to_string_lossy(),
                        stem.to_string_lossy()
                    ));
                }
            }
        }
    }
    types.into_iter().collect()
}

#[test]
fn every_installed_type_has_a_complete_schema() {
    let (store, types) = (SchemaStore::from_env(), installed());
    assert!(types.len() > 100, "{}", types.len());
    for type_name in types {
        let schema = store.get(&type_name).expect("a schema");
        // The types that the installed description names, from rosidl's own resolution.
        let (package, name) = type_name.split_once("/msg/").expect("a type");
        let Some(description) = description(package, name) else {
            continue;
        };
        let wanted: HashSet<String> = description["type_description_msg"]
            ["referenced_type_descriptions"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|of| of["type_name"].as_str().expect("a name").to_owned())
            .collect();
        let given: HashSet<String> = headings(&schema.text)
            .into_iter()
            .map(full_name)
            .filter(|name| *name != type_name)
            .collect();
        assert_eq!(given, wanted, "{type_name}");
    }
}

/// The type that a heading names: `MSG: package/Type` or `IDL: package/msg/Type`.
fn full_name(heading: &str) -> String {
    match heading.strip_prefix("MSG: ") {
        Some(short) => short.replace('/', "/msg/"),
        None => heading.replace("IDL: ", ""),
    }
}

fn description(package: &str, name: &str) -> Option<serde_json::Value> {
    let path = std::env::var_os("AMENT_PREFIX_PATH")?;
    let file = format!("share/{package}/msg/{name}.json");
    let text = std::env::split_paths(&path)
        .find_map(|prefix| fs::read_to_string(prefix.join(&file)).ok())?;
    serde_json::from_str(&text).ok()
}

#[test]
fn nested_and_bounded_test_messages() {
    let store = SchemaStore::from_env();
    let nested = store.get("test_msgs/msg/MultiNested").expect("a schema");
    assert_eq!(
        headings(&nested.text),
        [
            "MSG: test_msgs/Arrays",
            "MSG: test_msgs/BoundedSequences",
            "MSG: test_msgs/UnboundedSequences",
            "MSG: test_msgs/BasicTypes",
            "MSG: test_msgs/Constants",
            "MSG: test_msgs/Defaults",
        ]
    );
}

#[test]
fn a_type_without_msg_is_idl() {
    const KEYED: &str = "test_msgs/msg/ComplexNestedKey";
    let keyed = match SchemaStore::from_env().get(KEYED) {
        Ok(keyed) => keyed,
        // Jazzy's packages have no type that is defined as .idl only.
        Err(problem) => return eprintln!("SKIPPED: {problem}"),
    };
    assert_eq!(keyed.encoding, "ros2idl");
    let heading = format!("{}\nIDL: {KEYED}\n", "=".repeat(80));
    assert!(keyed.text.starts_with(&heading));
}
