/** Values of parameters as text. */
import type { Parameter, ParameterValue } from "../remote/messages";

export function parameterText(value: ParameterValue): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** The value that a text means for a parameter, of the type that it has now. Throws what is wrong. */
export function parseParameter({ type, value }: Parameter, text: string): ParameterValue {
  if (typeof value === "string") {
    return text;
  }
  if (typeof value === "number") {
    const number = Number(text);
    if (text.trim() === "" || !Number.isFinite(number)) {
      throw new Error("a number is needed");
    }
    if (type !== "float64" && Number.isInteger(value) && !Number.isInteger(number)) {
      throw new Error("a whole number is needed");
    }
    return number;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('arrays are written as [1, 2], texts in them as "…"');
  }
  if (!Array.isArray(parsed) || parsed.some((each) => typeof each !== typeof parsed[0])) {
    throw new Error("an array of values of one type is needed");
  }
  return parsed as ParameterValue;
}

export function sameParameter(a: ParameterValue, b: ParameterValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
