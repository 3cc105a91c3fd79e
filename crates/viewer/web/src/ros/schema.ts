/** Message definitions, and readers and writers made of them. */
import { parseRos2idl } from "@foxglove/ros2idl-parser";
import { parse } from "@foxglove/rosmsg";
import { MessageReader, MessageWriter } from "@foxglove/rosmsg2-serialization";
import type { Path } from "./paths";
import { narrowed } from "./wstring";

type Definitions = ReturnType<typeof parse>;
export type Field = Definitions[number]["definitions"][number];

/** A type with all that it depends on. */
export interface MessageType {
  /** Its own fields, constants left out. */
  fields: Field[];
  /** Fields of the types that it names. */
  nested: Map<string, Field[]>;
  definitions: Definitions;
}

/** What a schema comes with on the wire. */
export interface SchemaText {
  encoding: string;
  schemaEncoding: string;
  schema: string;
}

export type Decoder = (data: Uint8Array) => unknown;

const MAX_CACHED = 500;
const decoders = new Map<string, Decoder>();

/** The decoder for messages of a schema. Throws an error that says why there is none. */
export function decoderFor(schema: SchemaText): Decoder {
  const key = `${schema.encoding}\n${schema.schemaEncoding}\n${schema.schema}`;
  const known = decoders.get(key);
  if (known) {
    return known;
  }
  const made = makeDecoder(schema);
  if (decoders.size >= MAX_CACHED) {
    decoders.clear();
  }
  decoders.set(key, made);
  return made;
}

function makeDecoder({ encoding, schemaEncoding, schema }: SchemaText): Decoder {
  if (encoding === "json") {
    const utf8 = new TextDecoder();
    return (data) => JSON.parse(utf8.decode(data));
  }
  if (encoding !== "cdr") {
    throw new Error(`this page cannot read ${encoding} messages`);
  }
  const definitions = parseDefinitions(schemaEncoding, schema);
  const wide = narrowed(definitions);
  const reader = new MessageReader(wide?.definitions ?? definitions);
  return wide ? (data) => wide.toText(reader.readMessage(data)) : (data) => reader.readMessage(data);
}

function parseDefinitions(schemaEncoding: string, schema: string): Definitions {
  switch (schemaEncoding) {
    case "ros2msg":
      return schema.trim() === "" ? [{ definitions: [] }] : parse(schema, { ros2: true });
    case "ros2idl":
      return parseRos2idl(schema);
    default:
      throw new Error(`this page cannot read messages described in ${schemaEncoding || "nothing"}`);
  }
}

/** Takes a definition apart. Throws an error that says why it cannot be. */
export function messageType({ schemaEncoding, schema }: Omit<SchemaText, "encoding">): MessageType {
  const definitions = parseDefinitions(schemaEncoding, schema);
  const nested = new Map<string, Field[]>();
  for (const { name, definitions: fields } of definitions) {
    if (name) {
      nested.set(name, dataFields(fields));
    }
  }
  // Before the type itself there may be modules of nothing but constants.
  const root = definitions.find(({ definitions: fields }) => !isConstantModule(fields))?.definitions ?? [];
  return { fields: dataFields(root), nested, definitions };
}

/** A field and the type that it is a field of; that of a whole message is called "". */
export interface FieldOf {
  owner: string;
  field: Field;
}

/** The fields that a path leads through, one after the other. Undefined if there are no such ones. */
export function fieldsAlong(type: MessageType, path: Path): FieldOf[] | undefined {
  const along: FieldOf[] = [];
  for (const step of path) {
    if (typeof step === "number") {
      continue;
    }
    const last = along.at(-1)?.field;
    const owner = last?.isComplex ? last.type : "";
    const fields = along.length === 0 ? type.fields : (type.nested.get(owner) ?? []);
    const field = fields.find(({ name }) => name === step);
    if (!field) {
      return undefined;
    }
    along.push({ owner, field });
  }
  return along;
}

function isConstantModule(fields: Field[]): boolean {
  return fields.length > 0 && fields.every((field) => field.isConstant === true);
}

function dataFields(fields: Field[]): Field[] {
  return fields.filter((field) => field.isConstant !== true);
}

/** A message as CDR. Throws if a value does not fit its field. */
export function encode(type: MessageType, message: unknown): Uint8Array {
  const wide = narrowed(type.definitions);
  return wide
    ? new MessageWriter(wide.definitions).writeMessage(wide.fromText(message))
    : new MessageWriter(type.definitions).writeMessage(message);
}
