/** Messages to start a form with, and what a form's texts mean. */
import type { Field, MessageType } from "./schema";

export type Message = { [field: string]: Value };
export type Value = string | number | bigint | boolean | Message | Value[];

const INTEGERS: Record<string, [bigint, bigint]> = {
  int8: [-(2n ** 7n), 2n ** 7n - 1n],
  uint8: [0n, 2n ** 8n - 1n],
  int16: [-(2n ** 15n), 2n ** 15n - 1n],
  uint16: [0n, 2n ** 16n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};
const MAX_DEPTH = 20;

export function isInteger(type: string): boolean {
  return type in INTEGERS;
}

export function isNumber(type: string): boolean {
  return isInteger(type) || type === "float32" || type === "float64";
}

/** A message whose fields have their defaults, else nothing, 0 or false. */
export function emptyMessage(type: MessageType): Message {
  return emptyFields(type, type.fields, 0);
}

function emptyFields(type: MessageType, fields: Field[], depth: number): Message {
  return Object.fromEntries(fields.map((field) => [field.name, emptyField(type, field, depth)]));
}

function emptyField(type: MessageType, field: Field, depth: number): Value {
  if (field.isArray) {
    if (Array.isArray(field.defaultValue)) {
      return [...field.defaultValue];
    }
    return Array.from({ length: field.arrayLength ?? 0 }, () => emptyElement(type, field, depth));
  }
  const given = field.defaultValue;
  return given === undefined || Array.isArray(given) ? emptyElement(type, field, depth) : given;
}

/** One element of a field, whether or not it is an array. */
export function emptyElement(type: MessageType, field: Field, depth = 0): Value {
  if (field.isComplex) {
    return depth > MAX_DEPTH ? {} : emptyFields(type, type.nested.get(field.type) ?? [], depth + 1);
  }
  switch (field.type) {
    case "bool":
      return false;
    case "string":
    case "wstring":
      return "";
    case "time":
    case "duration":
      return { sec: 0, nanosec: 0 };
    case "int64":
    case "uint64":
      return 0n;
    default:
      return 0;
  }
}

/** The value that a text means in a field of a primitive type. Throws an error that says what is wrong. */
export function parseValue(typeName: string, text: string): Value {
  const range = INTEGERS[typeName];
  if (range) {
    if (!/^\s*[-+]?\d+\s*$/.test(text)) {
      throw new Error(`${typeName} needs a whole number`);
    }
    const value = BigInt(text.trim().replace(/^\+/, ""));
    if (value < range[0] || value > range[1]) {
      throw new Error(`${typeName} goes from ${range[0]} to ${range[1]}`);
    }
    return typeName.endsWith("64") ? value : Number(value);
  }
  if (typeName === "float32" || typeName === "float64") {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isNaN(value) && text.trim().toLowerCase() !== "nan") {
      throw new Error(`${typeName} needs a number`);
    }
    return value;
  }
  if (typeName === "bool") {
    if (text !== "true" && text !== "false") {
      throw new Error("bool is true or false");
    }
    return text === "true";
  }
  return text;
}

/** A message as text; the inverse of {@link parseJson}. */
export function toJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, each) => {
      if (typeof each === "bigint") {
        return Number.isSafeInteger(Number(each)) ? Number(each) : each.toString();
      }
      return ArrayBuffer.isView(each) && !(each instanceof DataView) ? Array.from(each as Uint8Array) : each;
    },
    2,
  );
}
