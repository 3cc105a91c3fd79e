/** Names of values: the constants that a message's definition has for a field. */
import type { Path } from "./paths";
import { type Field, fieldsAlong, type MessageType } from "./schema";

type Names = Map<string, string>;

const known = new WeakMap<MessageType, Map<string, Map<string, Names>>>();

/** The name of the value at a path, such as `ERROR` for `status[0].level`; undefined if it has none. */
export function constantName(type: MessageType, path: Path, value: unknown): string | undefined {
  const { owner, field } = fieldsAlong(type, path)?.at(-1) ?? {};
  return (
    field &&
    namesOf(type, owner ?? "")
      .get(field.name)
      ?.get(String(value))
  );
}

/** The constants of one of the types that belong to its fields. */
function namesOf(type: MessageType, owner: string): Map<string, Names> {
  const all = known.get(type) ?? new Map<string, Map<string, Names>>();
  known.set(type, all);
  const names = all.get(owner) ?? fieldNames(definitionOf(type, owner));
  all.set(owner, names);
  return names;
}

function definitionOf({ definitions }: MessageType, owner: string): Field[] {
  const isRoot = ({ name, definitions: fields }: { name?: string; definitions: Field[] }) =>
    owner === "" ? fields.some((field) => field.isConstant !== true) : name === owner;
  return definitions.find(isRoot)?.definitions ?? [];
}

/**
 * A constant belongs to a field of its type if it stands right before it, as `OK` before `level`, or if
 * its name begins with the field's, as `POWER_SUPPLY_STATUS_FULL`.
 */
function fieldNames(definition: Field[]): Map<string, Names> {
  const names = new Map<string, Names>();
  const constants = definition.filter((field) => field.isConstant === true);
  let block: Field[] = [];
  for (const field of definition) {
    if (field.isConstant === true) {
      block.push(field);
      continue;
    }
    const prefix = `${field.name.toUpperCase()}_`;
    const called = constants.filter(({ name }) => name.startsWith(prefix));
    const own = (called.length > 0 ? called : block).filter(({ type }) => type === field.type);
    if (own.length > 1) {
      const short = (name: string) => (called.length > 0 ? name.slice(prefix.length) : name);
      names.set(field.name, new Map(own.map(({ name, value }) => [String(value), short(name)])));
    }
    block = [];
  }
  return names;
}
