#!/usr/bin/env python3
"""Write the Rust interface crates that rclrs needs and a ROS 2 prefix lacks.

rclrs takes its message types from ``<prefix>/share/<package>/rust`` (crate
``ros-env``, over AMENT_PREFIX_PATH). A distribution built without
rosidl_generator_rs, and the PyPI wheels, have no such directory. This tool makes
it from what every prefix since Iron has: the type descriptions
(``share/<package>/{msg,srv}/*.json``) for the fields, and the ``.msg``/``.srv``
files for the constants, which the descriptions leave out.

    AMENT_PREFIX_PATH=<prefixes> gen_ros_rust.py --out <overlay> [package ...]

Packages that another prefix already provides as Rust are left alone. The
dependencies of a package come with it. Files whose content would not change are
not touched, so that cargo does not build again. Put the overlay first in
AMENT_PREFIX_PATH afterwards. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

# What rclrs 0.8 names itself.
RCLRS_PACKAGES = ["builtin_interfaces", "rcl_interfaces", "rosgraph_msgs", "action_msgs", "unique_identifier_msgs"]

# A field's type id is a base type plus 48 for an array, 96 for a bounded and 144 for
# an unbounded sequence (type_description_interfaces/msg/FieldType).
CONTAINER_STEP = 48
PLAIN, ARRAY, BOUNDED, SEQUENCE = range(4)
NESTED = 1
STRINGS = {17: "String", 18: "WString"}
BOUNDED_STRINGS = {21: "BoundedString", 22: "BoundedWString"}
PRIMITIVES = {
    2: "i8", 3: "u8", 4: "i16", 5: "u16", 6: "i32", 7: "u32", 8: "i64", 9: "u64",
    10: "f32", 11: "f64", 13: "u8", 14: "u16", 15: "bool", 16: "u8",
}  # fmt: skip
CONSTANT_TYPES = {
    "bool": "bool", "byte": "u8", "char": "u8", "int8": "i8", "uint8": "u8", "int16": "i16", "uint16": "u16",
    "int32": "i32", "uint32": "u32", "int64": "i64", "uint64": "u64", "float32": "f32", "float64": "f64",
}  # fmt: skip
CONSTANT = re.compile(r"^\s*(?P<type>\w+)(?:<=\d+)?\s+(?P<name>[A-Z][A-Z0-9_]*)\s*=\s*(?P<value>.+?)\s*$")

# rosidl puts this into a message without fields, since C has no empty structs.
EMPTY_MEMBER = "structure_needs_at_least_one_member"
RUST_KEYWORDS = {
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "Self", "static", "struct", "super", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
}  # fmt: skip


def identifier(name: str) -> str:
    """The Rust name of a field or constant, as rosidl_generator_rs writes it."""
    return f"{name}_" if name in RUST_KEYWORDS else name


@dataclass
class Field:
    """A field of a message, from its type description."""

    name: str
    base: int
    container: int
    capacity: int
    string_capacity: int
    nested: str

    @classmethod
    def from_description(cls, description: dict) -> Field:
        """Reads one entry of a description's `fields`."""
        kind = description["type"]
        container, base = divmod(kind["type_id"], CONTAINER_STEP)
        return cls(
            name=identifier(description["name"]),
            base=base,
            container=container,
            capacity=kind["capacity"],
            string_capacity=kind["string_capacity"],
            nested=kind["nested_type_name"],
        )

    def element(self, rmw: bool) -> str:
        """Rust type of one element: with the C layout if `rmw`, else the comfortable one."""
        if self.base == NESTED:
            package, interface, name = self.nested.split("/")
            return f"crate::{package}::{interface}::{'rmw::' if rmw else ''}{name}"
        if self.base in PRIMITIVES:
            return PRIMITIVES[self.base]
        if self.base in STRINGS:
            return f"rosidl_runtime_rs::{STRINGS[self.base]}" if rmw else "std::string::String"
        if self.base in BOUNDED_STRINGS:
            return f"rosidl_runtime_rs::{BOUNDED_STRINGS[self.base]}<{self.string_capacity}>"
        raise SystemExit(f"field {self.name}: type id {self.base} is not known")

    def rust_type(self, rmw: bool) -> str:
        """Rust type of the whole field, as :meth:`element` for one element."""
        if self.container == BOUNDED:  # has no comfortable form: both structs hold the C one
            return f"rosidl_runtime_rs::BoundedSequence<{self.element(rmw=True)}, {self.capacity}>"
        element = self.element(rmw)
        if self.container == ARRAY:
            return f"[{element}; {self.capacity}]"
        if self.container == SEQUENCE:
            return f"rosidl_runtime_rs::Sequence<{element}>" if rmw else f"Vec<{element}>"
        return element

    def conversion(self, to_rmw: bool) -> str:
        """Expression that turns `m.<name>` of one struct into the other struct's field."""
        value = f"m.{self.name}"
        one = self._element_conversion(to_rmw)
        if one is None or self.container == BOUNDED:
            if self.container == SEQUENCE:
                return f"{value}.into()" if to_rmw else f"{value}.as_slice().to_vec()"
            return value
        if self.container == ARRAY:
            return f"{value}.map(|e| {one})"
        if self.container == SEQUENCE:
            return f"{value}.into_iter().map(|e| {one}).collect()"
        return f"{{ let e = {value}; {one} }}"

    def _element_conversion(self, to_rmw: bool) -> str | None:
        """Expression for one element `e`, or None where both structs hold the same type."""
        if self.base == NESTED:
            message = f"<{self.element(rmw=False)} as rosidl_runtime_rs::Message>"
            if to_rmw:
                return f"{message}::into_rmw_message(std::borrow::Cow::Owned(e)).into_owned()"
            return f"{message}::from_rmw_message(e)"
        if self.base in STRINGS:
            return "e.as_str().into()" if to_rmw else "e.to_string()"
        return None


@dataclass
class Message:
    """A message, or one half of a service."""

    package: str
    interface: str
    name: str
    fields: list[Field]
    constants: list[tuple[str, str, str]]

    @property
    def symbol(self) -> str:
        """What the names of its C functions begin with."""
        return f"{self.package}__{self.interface}__{self.name}"

    def structure(self, rmw: bool) -> str:
        """The struct with its constants."""
        layout = "#[repr(C)]\n" if rmw else ""
        members = "".join(f"    pub {f.name}: {f.rust_type(rmw)},\n" for f in self.fields)
        constants = "".join(f"    pub const {name}: {kind} = {value};\n" for kind, name, value in self.constants)
        return (
            f"{layout}#[derive(Clone, Debug, PartialEq, PartialOrd)]\n#[allow(non_camel_case_types)]\n"
            f"pub struct {self.name} {{\n{members}}}\n\nimpl {self.name} {{\n{constants}}}\n"
        )

    def rmw_code(self) -> str:
        """The struct with the C layout, and what connects it to the C functions."""
        name, symbol = self.name, self.symbol
        type_support = f"rosidl_typesupport_c__get_message_type_support_handle__{symbol}"
        return f"""
#[link(name = "{self.package}__rosidl_typesupport_c")]
extern "C" {{
    fn {type_support}() -> *const std::ffi::c_void;
}}
#[link(name = "{self.package}__rosidl_generator_c")]
extern "C" {{
    fn {symbol}__init(message: *mut {name}) -> bool;
    fn {symbol}__Sequence__init(sequence: *mut rosidl_runtime_rs::Sequence<{name}>, size: usize) -> bool;
    fn {symbol}__Sequence__fini(sequence: *mut rosidl_runtime_rs::Sequence<{name}>);
    fn {symbol}__Sequence__copy(
        from: &rosidl_runtime_rs::Sequence<{name}>,
        to: *mut rosidl_runtime_rs::Sequence<{name}>,
    ) -> bool;
}}
{self.structure(rmw=True)}
impl Default for {name} {{
    fn default() -> Self {{
        // SAFETY: a zeroed C message is what its init function expects, and no
        // field's Rust type forbids the zero pattern that init then replaces.
        unsafe {{
            let mut message = std::mem::zeroed();
            assert!({symbol}__init(&mut message), "{symbol}__init: out of memory");
            message
        }}
    }}
}}
impl rosidl_runtime_rs::SequenceAlloc for {name} {{
    fn sequence_init(sequence: &mut rosidl_runtime_rs::Sequence<Self>, size: usize) -> bool {{
        // SAFETY: the reference is valid for the call.
        unsafe {{ {symbol}__Sequence__init(sequence, size) }}
    }}
    fn sequence_fini(sequence: &mut rosidl_runtime_rs::Sequence<Self>) {{
        // SAFETY: the reference is valid for the call.
        unsafe {{ {symbol}__Sequence__fini(sequence) }}
    }}
    fn sequence_copy(from: &rosidl_runtime_rs::Sequence<Self>, to: &mut rosidl_runtime_rs::Sequence<Self>) -> bool {{
        // SAFETY: both references are valid for the call.
        unsafe {{ {symbol}__Sequence__copy(from, to) }}
    }}
}}
impl rosidl_runtime_rs::Message for {name} {{
    type RmwMsg = Self;
    fn into_rmw_message(m: std::borrow::Cow<'_, Self>) -> std::borrow::Cow<'_, Self> {{
        m
    }}
    fn from_rmw_message(m: Self) -> Self {{
        m
    }}
}}
impl rosidl_runtime_rs::RmwMessage for {name} {{
    const TYPE_NAME: &'static str = "{self.package}/{self.interface}/{name}";
    fn get_type_support() -> *const std::ffi::c_void {{
        // SAFETY: takes nothing and returns a pointer to a static.
        unsafe {{ {type_support}() }}
    }}
}}
"""

    def idiomatic_code(self) -> str:
        """The comfortable struct, and its conversions."""
        name = self.name
        into = "".join(f"            {f.name}: {f.conversion(to_rmw=True)},\n" for f in self.fields)
        back = "".join(f"            {f.name}: {f.conversion(to_rmw=False)},\n" for f in self.fields)
        return f"""
{self.structure(rmw=False)}
impl Default for {name} {{
    fn default() -> Self {{
        <Self as rosidl_runtime_rs::Message>::from_rmw_message(rmw::{name}::default())
    }}
}}
impl rosidl_runtime_rs::Message for {name} {{
    type RmwMsg = rmw::{name};
    fn into_rmw_message(m: std::borrow::Cow<'_, Self>) -> std::borrow::Cow<'_, Self::RmwMsg> {{
        let m = m.into_owned();
        std::borrow::Cow::Owned(rmw::{name} {{
{into}        }})
    }}
    fn from_rmw_message(m: Self::RmwMsg) -> Self {{
        Self {{
{back}        }}
    }}
}}
"""


def service_code(package: str, name: str) -> str:
    """The marker type of a service."""
    function = f"rosidl_typesupport_c__get_service_type_support_handle__{package}__srv__{name}"
    return f"""
#[link(name = "{package}__rosidl_typesupport_c")]
extern "C" {{
    fn {function}() -> *const std::ffi::c_void;
}}
pub struct {name};
impl rosidl_runtime_rs::Service for {name} {{
    type Request = {name}_Request;
    type Response = {name}_Response;
    fn get_type_support() -> *const std::ffi::c_void {{
        // SAFETY: takes nothing and returns a pointer to a static.
        unsafe {{ {function}() }}
    }}
}}
"""


def constants_of(text: str) -> list[tuple[str, str, str]]:
    """(Rust type, name, Rust value) of the constants in the text of a message."""
    found = []
    for line in text.splitlines():
        match = CONSTANT.match(line if line.lstrip().startswith("string") else line.split("#")[0])
        if not match:
            continue
        kind, name, value = match["type"], identifier(match["name"]), match["value"]
        if kind == "string":
            found.append(("&'static str", name, json.dumps(value.strip("\"'"))))
        elif kind in CONSTANT_TYPES:
            rust = CONSTANT_TYPES[kind]
            if rust == "bool":
                value = {"0": "false", "1": "true"}.get(value, value.lower())
            elif rust.startswith("f") and re.fullmatch(r"-?\d+", value):
                value += ".0"
            found.append((rust, name, value))
    return found


@dataclass
class Package:
    """An interface package and the code for it."""

    name: str
    share: Path
    dependencies: set[str] = field(default_factory=set)
    modules: dict[str, tuple[str, str]] = field(default_factory=dict)

    def read(self) -> None:
        """Turns its descriptions into code."""
        for interface in ("msg", "srv"):
            rmw, idiomatic = [], []
            for description in sorted((self.share / interface).glob("*.json")):
                for message in self._messages(interface, description):
                    rmw.append(message.rmw_code())
                    idiomatic.append(message.idiomatic_code())
                if interface == "srv":
                    rmw.append(service_code(self.name, description.stem))
                    idiomatic.append(service_code(self.name, description.stem))
            if rmw:
                self.modules[interface] = ("".join(rmw), "".join(idiomatic))
        if not self.modules:
            raise SystemExit(
                f"{self.share} has no type descriptions (*.json): this ROS distribution is older than Iron; "
                "install rosidl_generator_rs and build the interface packages with it"
            )

    def _messages(self, interface: str, description: Path) -> list[Message]:
        types = json.loads(description.read_text())["type_description_msg"]
        fields = {t["type_name"]: t["fields"] for t in [types["type_description"], *types["referenced_type_descriptions"]]}
        source = description.with_suffix(f".{interface}")
        text = source.read_text() if source.exists() else ""
        if interface == "msg":
            parts = {description.stem: text}
        else:
            halves = re.split(r"^---.*$", text, maxsplit=1, flags=re.MULTILINE)
            parts = {f"{description.stem}_Request": halves[0], f"{description.stem}_Response": halves[-1]}
        return [self._message(interface, name, fields, part) for name, part in parts.items()]

    def _message(self, interface: str, name: str, descriptions: dict, text: str) -> Message:
        described = descriptions[f"{self.name}/{interface}/{name}"]
        fields = [Field.from_description(f) for f in described] or [Field(EMPTY_MEMBER, 3, PLAIN, 0, 0, "")]
        self.dependencies |= {f.nested.split("/")[0] for f in fields if f.nested} - {self.name}
        return Message(self.name, interface, name, fields, constants_of(text))

    def write(self, root: Path) -> None:
        """Writes the crate."""
        dependencies = "".join(f'{d} = "*"\n' for d in sorted(self.dependencies))
        write_if_changed(
            root / "Cargo.toml",
            f'[package]\nname = "{self.name}"\nversion = "0.0.0"\nedition = "2021"\n\n'
            f'[dependencies]\nrosidl_runtime_rs = "0.7"\n{dependencies}\n'
            "[package.metadata.ros-env]\ninclude = true\n",
        )
        for interface, (rmw, idiomatic) in self.modules.items():
            write_if_changed(root / "src" / interface / "rmw.rs", rmw)
            write_if_changed(root / "src" / f"{interface}.rs", idiomatic)


def write_if_changed(path: Path, text: str) -> None:
    """Leaves a file alone that has this text already: cargo goes by its time."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def has_crate(name: str, prefixes: list[Path]) -> bool:
    """Whether a package has a crate that rclrs takes: the first one counts, and generators before 0.4.12 made others."""
    manifests = (p / "share" / name / "rust" / "Cargo.toml" for p in prefixes)
    first = next((manifest.read_text() for manifest in manifests if manifest.exists()), "")
    return "[package.metadata.ros-env]" in first


def generate(names: list[str], prefixes: list[Path], out: Path) -> list[str]:
    """Generate `names` and their dependencies into `out`; returns what was generated."""
    pending, seen, generated = list(names), set(), []
    while pending:
        name = pending.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if has_crate(name, prefixes):
            continue
        share = next((p / "share" / name for p in prefixes if (p / "share" / name / "package.xml").exists()), None)
        if share is None:
            raise SystemExit(f"package {name} is in no prefix of AMENT_PREFIX_PATH")
        package = Package(name, share)
        package.read()
        package.write(out / "share" / name / "rust")
        generated.append(name)
        pending += sorted(package.dependencies)
    return generated


def main() -> int:
    """Runs the tool."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", required=True, type=Path, help="overlay prefix to write to")
    parser.add_argument("packages", nargs="*", help=f"default: {' '.join(RCLRS_PACKAGES)}")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    path = os.environ.get("AMENT_PREFIX_PATH", "")
    prefixes = [Path(p) for p in path.split(os.pathsep) if p and Path(p).resolve() != out]
    if not prefixes:
        raise SystemExit("AMENT_PREFIX_PATH names no ROS 2 prefix: source a ROS 2 environment first")
    generated = generate(arguments.packages or RCLRS_PACKAGES, prefixes, out)
    print(f"{out}: {', '.join(generated) if generated else 'nothing to generate'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
