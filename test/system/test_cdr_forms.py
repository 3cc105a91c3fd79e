"""Our conversion between CDR and JSON against `rosbags`, an implementation of CDR that shares nothing with ROS or us.

Random messages of every installed type, and of one that has all that the language of definitions has, in both
directions, byte for byte and in both byte orders.
"""

from __future__ import annotations

import base64
import json
import math
import random
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ament_index_python.packages import get_package_share_directory, get_packages_with_prefixes
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from test_msgs.msg import WStrings

from line_program import LineProgram, rust_example

# Where JavaScript's integers end. Larger ones are texts in our JSON.
SAFE = 2**53 - 1
INTEGERS = {f"{sign}int{bits}": (sign == "", bits) for sign in ("", "u") for bits in (8, 16, 32, 64)} | {
    # One of ROS 2 has 8 bits; rosbags takes it for signed.
    "byte": (False, 7),
    "char": (False, 8),
}
TEXTS = ["", "a", "frame id", "é😀", '"quoted\\"\n\t', "\x01\x7f"]
EVERYTHING = """
# All that there is.
int32 CONSTANT=-5
string WORD="x # y"
bool flag
byte octet_
char letter
int8 a
uint8 b
int16 c
uint16 d
int32 e
uint32 f
int64 g
uint64 h
float32 i
float64 j
string text
string<=12 short_text
bool[3] flags
byte[] octets
int8[] signed_octets
float64[2] pair
float32[<=3] few
int64[] longs
string[] texts
string<=12[<=2] few_texts
string[2] two_texts
geometry_msgs/Point point
geometry_msgs/Point[2] two_points
std_msgs/Header[] headers
builtin_interfaces/Time[<=2] times
uint8 last
"""


@pytest.fixture(scope="module")
def crate() -> Iterator[LineProgram]:
    """Converts with our crate."""
    program = rust_example("convert")
    yield program
    program.close()


class Types:
    """All installed message types, as rosbags knows them, and their definitions as a robot tells them."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {"made_up/msg/Everything": EVERYTHING}
        for package, prefix in get_packages_with_prefixes().items():
            for path in sorted(Path(prefix, "share", package, "msg").glob("*.msg")):
                text = path.read_text()
                # rosbags does not know them; they have a test of their own.
                if not re.search(r"^wstring", text, re.MULTILINE):
                    self.texts[f"{package}/msg/{path.stem}"] = text
        self.store = get_typestore(Stores.EMPTY)
        for name, text in self.texts.items():
            self.store.register(get_types_from_msg(text, name))

    def needed(self, name: str) -> list[str]:
        """The types that are part of one, each once."""
        found: list[str] = []
        for _, field in self.store.fielddefs[name][1]:
            inner = field if field[0] == Nodetype.NAME else field[1][0]
            if inner[0] == Nodetype.NAME:
                found += [inner[1], *self.needed(inner[1])]
        return list(dict.fromkeys(found))

    def schema(self, name: str) -> str:
        """The definition with all that it depends on."""
        parts = [self.texts[name]]
        parts += [f"MSG: {each.replace('/msg/', '/')}\n{self.texts[each]}" for each in self.needed(name)]
        return ("\n" + "=" * 80 + "\n").join(parts)

    def random(self, name: str, source: random.Random) -> tuple[Any, Any]:
        """A message, and the same as JSON in the form that our crate writes."""
        values, texts = {}, {}
        for field, kind in self.store.fielddefs[name][1]:
            values[field], texts[field] = self._field(kind, source)
        return self.store.types[name](**values), texts

    def _field(self, kind: Any, source: random.Random) -> tuple[Any, Any]:
        if kind[0] in (Nodetype.BASE, Nodetype.NAME):
            return self._element(kind, source)
        inner, limit = kind[1]
        count = limit if kind[0] == Nodetype.ARRAY else source.randint(0, min(limit or 4, 4))
        both = [self._element(inner, source) for _ in range(count)]
        values = [value for value, _ in both]
        if inner[0] == Nodetype.BASE and inner[1][0] != "string":
            numpy_type = {"byte": "uint8", "char": "uint8"}.get(inner[1][0], inner[1][0])
            values = np.array(values, dtype=numpy_type)  # type: ignore[assignment]
        return values, [text for _, text in both]

    def _element(self, kind: Any, source: random.Random) -> tuple[Any, Any]:
        if kind[0] == Nodetype.NAME:
            return self.random(kind[1], source)
        name, bound = kind[1]
        if name == "bool":
            flag = source.random() < 0.5
            return flag, flag
        if name == "string":
            text = source.choice([each for each in TEXTS if not bound or len(each.encode()) <= bound])
            return text, text
        if name in INTEGERS:
            signed, bits = INTEGERS[name]
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
            number = source.choice([low, high, 0, source.randint(low, high)])
            return number, number if abs(number) <= SAFE else str(number)
        real = source.choice([0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 0.1, source.uniform(-1e9, 1e9)])
        if name == "float32":
            (real,) = struct.unpack("<f", struct.pack("<f", real))
        finite = real if math.isfinite(real) else "NaN" if math.isnan(real) else "Infinity" if real > 0 else "-Infinity"
        return real, finite


@pytest.fixture(scope="module")
def types() -> Types:
    """All types."""
    return Types()


def test_random_messages_of_every_installed_type(crate: LineProgram, types: Types) -> None:
    source = random.Random(5)
    assert len(types.texts) > 150
    for name in types.texts:
        about = {"name": name, "schema": types.schema(name)}
        for _ in range(20 if name.startswith(("made_up", "test_msgs")) else 3):
            message, expected = types.random(name, source)
            little, big = (bytes(types.store.serialize_cdr(message, name, little_endian=each)) for each in (True, False))
            for cdr in (little, big):
                answer = crate.ask({**about, "cdr": cdr.hex()})
                assert "error" not in answer, (name, answer, message)
                found = json.loads(answer["json"])
                assert_same(found, expected, name)
                assert answer["length"] <= len(cdr) <= answer["length"] + 3
            # What is of others, and what is of our own making, becomes the same bytes.
            for text in (json.dumps(expected), answer["json"], json.dumps(with_base64(types, name, expected))):
                answer = crate.ask({**about, "json": text})
                assert "error" not in answer, (name, answer, text)
                assert bytes.fromhex(answer["cdr"]) == little, (name, text)
            again = types.store.deserialize_cdr(bytes.fromhex(answer["cdr"]), name)
            assert bytes(types.store.serialize_cdr(again, name, little_endian=True)) == little


def assert_same(found: Any, expected: Any, where: str) -> None:
    """Compares JSON; floats by their bits, so that the sign of zero counts."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_same(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, value in enumerate(expected):
            assert_same(found[index], value, f"{where}[{index}]")
    elif isinstance(expected, float):
        # A float32 is written as short as its own precision allows.
        assert struct.pack("<f", found) == struct.pack("<f", expected) or found == expected, where
        assert math.copysign(1, found) == math.copysign(1, expected), where
    else:
        assert type(found) is type(expected), where
        assert found == expected, where


def with_base64(types: Types, name: str, expected: Any) -> Any:
    """The same JSON with lists of bytes as base64."""
    changed = {}
    for field, kind in types.store.fielddefs[name][1]:
        value = expected[field]
        if kind[0] == Nodetype.NAME:
            value = with_base64(types, kind[1], value)
        elif kind[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) and kind[1][0][0] == Nodetype.NAME:
            value = [with_base64(types, kind[1][0][1], each) for each in value]
        elif kind[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) and kind[1][0][1][0] in ("uint8", "byte", "char"):
            value = base64.b64encode(bytes(value)).decode()
        changed[field] = value
    return changed


def test_what_is_cut_off_or_too_long_is_refused(crate: LineProgram, types: Types) -> None:
    source = random.Random(6)
    name = "made_up/msg/Everything"
    about = {"name": name, "schema": types.schema(name)}
    message, _ = types.random(name, source)
    whole = bytes(types.store.serialize_cdr(message, name, little_endian=True))
    length = crate.ask({**about, "cdr": whole.hex()})["length"]
    for end in range(length):
        assert "error" in crate.ask({**about, "cdr": whole[:end].hex()}), end
    for wrong in ({"few": [1.0] * 4}, {"short_text": "x" * 13}, {"flags": [True] * 2}, {"b": 256}, {"a": 0.5}, {"none": 1}):
        assert "error" in crate.ask({**about, "json": json.dumps(wrong)}), wrong


def test_wide_texts_against_fast_dds(crate: LineProgram) -> None:
    text = Path(get_package_share_directory("test_msgs"), "msg/WStrings.msg").read_text()
    about = {"name": "test_msgs/msg/WStrings", "schema": text}
    source = random.Random(7)
    wide = ["", "a", "é", "ハロー", "\x01"]
    for _ in range(20):
        message = WStrings()
        for field, kind in message.get_fields_and_field_types().items():
            count = 3 if kind.endswith("[3]") else source.randint(0, 3)
            value = source.choice(wide) if kind == "wstring" else [source.choice(wide) for _ in range(count)]
            setattr(message, field, value)
        expected = {field: getattr(message, field) for field in message.get_fields_and_field_types()}
        cdr = serialize_message(message)
        answer = crate.ask({**about, "cdr": cdr.hex()})
        assert json.loads(answer["json"]) == expected
        written = bytes.fromhex(crate.ask({**about, "json": json.dumps(expected)})["cdr"])
        assert written == cdr[: answer["length"]]
        assert deserialize_message(written, WStrings) == message
