//! Conversions agree with the middleware, byte for byte, for every installed message type.

mod ros_common;

use std::fs;
use std::os::unix::fs::symlink;

use remote_access_bridge::ros::{Schema, SchemaStore};
use remote_access_cdr::Definition;
use ros_common::Peer;
use serde_json::Value;

const LIMIT: usize = 1 << 24;

/// Fills messages of a type in several ways; gives each as JSON and in CDR, from rclpy.
const SAMPLES: &str = r#"
import array, importlib, json, math, random
import numpy
from rclpy.serialization import serialize_message, deserialize_message
from rosidl_parser.definition import (AbstractSequence, AbstractWString, AbstractString, Array,
    BasicType, BoundedSequence, NamespacedType)

def load(name):
    package, _, cls = name.split('/')
    return getattr(importlib.import_module(package + '.msg'), cls)

def scalar(rng, t):
    name = t.typename
    if name == 'boolean': return rng.random() < 0.5
    if name in ('float', 'double'):
        value = rng.choice([0.0, -0.0, 1.5, -2.25, 1e30, rng.uniform(-1e6, 1e6), math.inf, math.nan])
        return float(numpy.float32(value)) if name == 'float' else value
    if name == 'octet': return bytes([rng.randrange(256)])
    if name in ('char', 'uint8'): return rng.randrange(256)
    bits = int(name.lstrip('uint'))
    return rng.randrange(0, 1 << bits) if name[0] == 'u' else rng.randrange(-(1 << bits - 1), 1 << bits - 1)

def text(rng, t):
    limit = t.maximum_size if t.has_maximum_size() else 12
    return ''.join(rng.choice('abé"\\ z\n') for _ in range(rng.randrange(0, min(limit, 12) // 2 + 1)))

def one(rng, t, depth):
    if isinstance(t, (AbstractString, AbstractWString)): return text(rng, t)
    if isinstance(t, BasicType): return scalar(rng, t)
    return fill(rng, getattr(importlib.import_module('.'.join(t.namespaces)), t.name), depth + 1)

def fill(rng, cls, depth=0):
    message = cls()
    for name, t in zip(cls.get_fields_and_field_types(), cls.SLOT_TYPES):
        if isinstance(t, (Array, AbstractSequence)):
            most = t.maximum_size if isinstance(t, BoundedSequence) else 4
            count = t.size if isinstance(t, Array) else rng.randrange(0, min(most, 4) + 1) if depth < 3 else 0
            value = [one(rng, t.value_type, depth) for _ in range(count)]
            if isinstance(t, Array) and isinstance(t.value_type, BasicType) and t.value_type.typename not in ('boolean', 'octet'):
                value = numpy.array(value, dtype=getattr(message, name).dtype)
        else:
            value = one(rng, t, depth)
        setattr(message, name, value)
    return message

def plain(value):
    if isinstance(value, (bool, int, str)): return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {'nan': 'NaN', 'inf': 'Infinity', '-inf': '-Infinity'}[str(value)]
    if isinstance(value, bytes): return value[0]
    if isinstance(value, numpy.generic): return plain(value.item())
    if isinstance(value, (list, tuple, array.array, numpy.ndarray, set)): return [plain(v) for v in value]
    return {name: plain(getattr(value, name)) for name in value.get_fields_and_field_types()}

def samples(name):
    cls = load(name)
    rng = random.Random(name)
    messages = [cls()] + [fill(rng, cls) for _ in range(3)]
    return [[json.dumps(plain(m)), serialize_message(m).hex()] for m in messages]

def same(name, ours, theirs):
    cls = load(name)
    return plain(deserialize_message(bytes.fromhex(ours), cls)) == theirs
"#;

/// Every message type; each has a Python class.
const TYPES: &str = r"
import os, glob
result = sorted({'/'.join([p.split('/')[-3], 'msg', os.path.basename(p)[:-4]])
    for prefix in os.environ['AMENT_PREFIX_PATH'].split(':') if prefix
    for p in glob.glob(prefix + '/share/*/msg/*.idl')})";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex"))
        .collect()
}

fn definition(schema: &Schema) -> Definition {
    let parse = match schema.encoding {
        "ros2idl" => Definition::parse_idl,
        _ => Definition::parse,
    };
    parse(&schema.name, &schema.text)
        .unwrap_or_else(|error| panic!("{}: {error}\n{}", schema.name, schema.text))
}

/// The installed packages with their `.idl` files alone, which every type has.
fn idl_only() -> (tempfile::TempDir, SchemaStore) {
    let prefix = tempfile::tempdir().expect("a directory");
    let index = "share/ament_index/resource_index/packages";
    fs::create_dir_all(prefix.path().join(index)).expect("a directory");
    let installed = std::env::var_os("AMENT_PREFIX_PATH").expect("an environment");
    for share in std::env::split_paths(&installed).map(|each| each.join("share")) {
        for package in fs::read_dir(&share).into_iter().flatten().flatten() {
            let messages = package.path().join("msg");
            let ours = prefix.path().join("share").join(package.file_name());
            if !messages.is_dir() || ours.exists() {
                continue;
            }
            fs::create_dir_all(ours.join("msg")).expect("a directory");
            let marker = prefix.path().join(index).join(package.file_name());
            fs::write(marker, "").expect("a file");
            for file in fs::read_dir(messages).expect("a directory").flatten() {
                if file.path().extension().is_some_and(|end| end == "idl") {
                    symlink(file.path(), ours.join("msg").join(file.file_name())).expect("a link");
                }
            }
        }
    }
    let store = SchemaStore::new(vec![prefix.path().to_owned()]);
    (prefix, store)
}

fn definition_by_idl(store: &SchemaStore, name: &str) -> Definition {
    let schema = store.get(name).expect("a schema");
    assert_eq!(schema.encoding, "ros2idl");
    definition(&schema)
}

#[test]
fn every_installed_type_is_converted_as_the_middleware_does() {
    let schemas = SchemaStore::from_env();
    let (_prefix, idl_only) = idl_only();
    let mut peer = Peer::start();
    let types = peer.run(TYPES);
    let types: Vec<&str> = types
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert!(types.len() > 100, "{}", types.len());
    peer.run(SAMPLES);
    for name in types {
        let schema = schemas.get(name).expect("a schema");
        let definition = definition(&schema);
        let by_idl = definition_by_idl(&idl_only, name);
        let samples = peer.run(&format!("result = samples('{name}')"));
        for (at, sample) in samples.as_array().expect("a list").iter().enumerate() {
            // As text: serde_json would round some floats.
            let [fields, theirs] = [0, 1].map(|at| sample[at].as_str().expect("a string"));
            let context = |error| -> ! { panic!("{name}: {error}\n{fields}") };
            let theirs = bytes(theirs);
            let length = definition
                .check(&theirs)
                .unwrap_or_else(|error| context(error));
            let ours = definition.from_json(fields.as_bytes(), LIMIT);
            let ours = ours.unwrap_or_else(|error| context(error));
            // Fast DDS leaves in the padding what was there, so the bytes themselves may differ.
            assert_eq!(ours.len(), length, "{name} {fields}");
            let json = definition.to_json(&theirs, LIMIT).expect("matches");
            assert_eq!(
                definition.from_json(&json, LIMIT).as_ref(),
                Ok(&ours),
                "{name} {fields}"
            );
            // The other definition of the same type says the same.
            assert_eq!(by_idl.check(&theirs), Ok(length), "{name} {fields}");
            assert_eq!(by_idl.to_json(&theirs, LIMIT).as_ref(), Ok(&json), "{name}");
            let again = by_idl.from_json(fields.as_bytes(), LIMIT);
            assert_eq!(again.as_ref(), Ok(&ours), "{name} {fields}");
            if at == 0 {
                // A message as newly made, with the defaults of its definition.
                let default = definition.from_json(b"{}", LIMIT);
                assert_eq!(by_idl.from_json(b"{}", LIMIT), default, "{name}");
                assert_eq!(default, Ok(ours), "{name}");
                continue;
            }
            let hex: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
            let fields = serde_json::to_string(fields).expect("a string");
            let same = peer.run(&format!(
                "result = same('{name}', '{hex}', json.loads({fields}))"
            ));
            assert_eq!(same, true, "{name}: {fields}");
        }
    }
}
