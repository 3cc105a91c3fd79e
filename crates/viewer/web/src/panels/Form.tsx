/** A form for a message of any type. */
import { useId, useState } from "preact/hooks";
import type { Field, MessageType } from "../ros/schema";
import { emptyElement, isNumber, type Message, parseValue, toJson, type Value } from "../ros/template";

interface FieldsProps {
  type: MessageType;
  fields: Field[];
  value: Message;
  change: (value: Message) => void;
  /** A field holds something that it cannot; undefined when it is well again. */
  report: (path: string, problem: string | undefined) => void;
  path: string;
}

export function Fields({ type, fields, value, change, report, path }: FieldsProps) {
  return (
    <>
      {fields.map((field) => (
        <FieldInput
          key={field.name}
          type={type}
          field={field}
          value={value[field.name] ?? ""}
          change={(next) => change({ ...value, [field.name]: next })}
          report={report}
          path={path ? `${path}.${field.name}` : field.name}
        />
      ))}
    </>
  );
}

interface InputProps {
  type: MessageType;
  field: Field;
  value: Value;
  change: (value: Value) => void;
  report: FieldsProps["report"];
  path: string;
}

function FieldInput(props: InputProps) {
  const { type, field, value, change, report, path } = props;
  if (field.isArray) {
    return <ArrayInput {...props} />;
  }
  if (field.isComplex) {
    return (
      <fieldset>
        <legend>
          {field.name} <small>{field.type}</small>
        </legend>
        <Fields
          type={type}
          fields={type.nested.get(field.type) ?? []}
          value={value as Message}
          change={change}
          report={report}
          path={path}
        />
      </fieldset>
    );
  }
  if (field.type === "time" || field.type === "duration") {
    return <TextInput {...props} text={toJson(value)} parse={(text) => JSON.parse(text) as Value} />;
  }
  if (field.type === "bool") {
    return (
      <label class="field">
        <span>
          {field.name} <small>bool</small>
        </span>
        <input
          type="checkbox"
          name={path}
          checked={value === true}
          onChange={(event) => change(event.currentTarget.checked)}
        />
      </label>
    );
  }
  return <TextInput {...props} text={String(value)} parse={(text) => parseValue(field.type, text)} />;
}

/** Arrays are written as JSON: nothing else is as short for all of them. */
function ArrayInput(props: InputProps) {
  const { type, field } = props;
  const parse = (text: string): Value => {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) {
      throw new Error("an array is written as [ … ]");
    }
    if (field.arrayLength !== undefined && parsed.length !== field.arrayLength) {
      throw new Error(`the array has ${field.arrayLength} elements`);
    }
    const element = (each: unknown): Value => {
      if (field.isComplex) {
        return { ...(emptyElement(type, field) as Message), ...(each as Message) };
      }
      return field.type === "string" ? String(each) : parseValue(field.type, String(each));
    };
    return parsed.map(element);
  };
  return <TextInput {...props} text={toJson(props.value)} parse={parse} />;
}

function TextInput({ field, change, report, path, text, parse }: InputProps & TextProps) {
  const [typed, setTyped] = useState(text);
  const [problem, setProblem] = useState<string>();
  const id = useId();
  const take = (next: string) => {
    setTyped(next);
    let wrong: string | undefined;
    try {
      change(parse(next));
    } catch (error) {
      wrong = error instanceof SyntaxError ? "this is not JSON" : (error as Error).message;
    }
    setProblem(wrong);
    report(path, wrong);
  };
  const isText = field.type === "string" && !field.isArray;
  return (
    <label class="field" for={id}>
      <span>
        {field.name}{" "}
        <small>
          {field.type}
          {field.isArray && `[${field.arrayLength ?? ""}]`}
        </small>
      </span>
      {field.isArray ? (
        <textarea
          id={id}
          name={path}
          rows={2}
          value={typed}
          onInput={(event) => take(event.currentTarget.value)}
        />
      ) : (
        <input
          id={id}
          name={path}
          type="text"
          inputMode={isNumber(field.type) ? "decimal" : isText ? "text" : undefined}
          value={typed}
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-problem`}
          onInput={(event) => take(event.currentTarget.value)}
        />
      )}
      <span id={`${id}-problem`} class="problem" role="alert">
        {problem}
      </span>
    </label>
  );
}

interface TextProps {
  text: string;
  parse: (text: string) => Value;
}
