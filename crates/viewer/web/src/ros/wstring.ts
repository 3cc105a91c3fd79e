/**
 * `wstring`, which the reader and the writer of messages leave out. To them it is shown as a type with a
 * list of UTF-16 units, each in four bytes, which is how Fast DDS writes it; here it becomes text, and back.
 */
import type { parse } from "@foxglove/rosmsg";

type Definitions = ReturnType<typeof parse>;
type Fields = Definitions[number]["definitions"];

/** A name that no type of a definition can have. */
const STAND_IN = "*wstring";
/** Units that are made into text at once; a call takes no more arguments. */
const SLICE = 8192;
/** There are so many different units; what is no unit is shown as the character for that. */
const UNITS = 0x1_0000;
const REPLACEMENT = 0xfffd;

/** Definitions that have no `wstring`, and what turns messages of them into such with text and back. */
export interface Narrowed {
  definitions: Definitions;
  /** A copy of a message with text for its stand-ins. */
  toText(message: unknown): unknown;
  /** A copy of a message with stand-ins for text. */
  fromText(message: unknown): unknown;
}

/** Undefined if the definitions have no `wstring`. */
export function narrowed(definitions: Definitions): Narrowed | undefined {
  if (!definitions.some(({ definitions: fields }) => fields.some(isWide))) {
    return undefined;
  }
  const replaced = definitions.map(({ name, definitions: fields }) => ({
    ...(name === undefined ? {} : { name }),
    definitions: fields.map((field) =>
      isWide(field) ? { ...field, type: STAND_IN, isComplex: true } : field,
    ),
  }));
  const standIn = {
    name: STAND_IN,
    definitions: [{ name: "units", type: "uint32", isArray: true, isComplex: false }],
  };
  const all: Definitions = [...replaced, standIn];
  const byName = new Map(all.map((each) => [each.name, each.definitions]));
  const root = all.find((each) => !each.definitions.every((field) => field.isConstant))?.definitions ?? [];

  const convert = (message: unknown, fields: Fields, one: (value: unknown) => unknown) => {
    const from = message as Record<string, unknown>;
    const result: Record<string, unknown> = { ...from };
    for (const { name, type, isComplex, isArray } of fields) {
      const value = from?.[name];
      const inner = isComplex ? byName.get(type) : undefined;
      if (!inner || value === undefined) {
        continue;
      }
      const each = (part: unknown): unknown => (type === STAND_IN ? one(part) : convert(part, inner, one));
      result[name] = isArray ? Array.from(value as unknown[], each) : each(value);
    }
    return result;
  };
  return {
    definitions: all,
    toText: (message) => convert(message, root, toText),
    fromText: (message) => convert(message, root, fromText),
  };
}

function isWide({ type, isConstant }: Fields[number]): boolean {
  return type === "wstring" && isConstant !== true;
}

function toText(value: unknown): string {
  const { units } = value as { units: Uint32Array };
  let text = "";
  for (let from = 0; from < units.length; from += SLICE) {
    const slice = Array.from(units.subarray(from, from + SLICE), (unit) =>
      unit < UNITS ? unit : REPLACEMENT,
    );
    text += String.fromCharCode(...slice);
  }
  return text;
}

function fromText(value: unknown): { units: Uint32Array } {
  const text = String(value);
  return { units: Uint32Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)) };
}
