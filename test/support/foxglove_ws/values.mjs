// Values of JSON lines that JSON has no form for. A binary value is {"base64": "…"} in both directions;
// a bigint is its digits on the way out and {"bigint": "…"} on the way in.

export function encode(_key, value) {
  if (typeof value === "bigint") {
    return value.toString();
  }
  if (value instanceof ArrayBuffer) {
    return { base64: Buffer.from(value).toString("base64") };
  }
  if (ArrayBuffer.isView(value)) {
    return { base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  }
  return value instanceof Error ? value.message : value;
}

export function decode(_key, value) {
  if (typeof value?.base64 === "string") {
    return new Uint8Array(Buffer.from(value.base64, "base64"));
  }
  return typeof value?.bigint === "string" ? BigInt(value.bigint) : value;
}
