/** Takes apart what a robot says in JSON. Whatever does not fit is left out. */
import { type ChannelInfo, isObject, type Parameter, type ServiceInfo, type WheelInfo } from "./messages";

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function channelInfo(value: unknown): ChannelInfo | undefined {
  if (!isObject(value) || typeof value.id !== "number" || typeof value.topic !== "string") {
    return undefined;
  }
  const metadata = isObject(value.metadata) ? value.metadata : {};
  const source = metadata.source_topic;
  const [width, height] = [Number(metadata.max_width), Number(metadata.max_height)];
  return {
    ...(typeof source === "string" ? { sourceTopic: source } : {}),
    ...(width > 0 && height > 0 ? { maxSize: { width, height } } : {}),
    ...(metadata.latched === "true" ? { isLatched: true } : {}),
    id: value.id,
    topic: value.topic,
    encoding: text(value.encoding),
    schemaName: text(value.schemaName),
    schemaEncoding: text(value.schemaEncoding),
    schema: text(value.schema),
  };
}

export function isService(value: unknown): value is ServiceInfo {
  return (
    isObject(value) &&
    typeof value.id === "number" &&
    typeof value.name === "string" &&
    typeof value.type === "string" &&
    isServiceSchema(value.request) &&
    isServiceSchema(value.response)
  );
}

function isServiceSchema(value: unknown): boolean {
  return isObject(value) && typeof value.schema === "string" && typeof value.encoding === "string";
}

export function isParameter(value: unknown): value is Parameter {
  return isObject(value) && typeof value.name === "string";
}

export function wheelInfo(value: unknown): WheelInfo | undefined {
  if (!isObject(value)) {
    return undefined;
  }
  const { driver, mayTake, heir, asker } = value;
  return {
    ...(typeof driver === "string" ? { driver, mayTake: mayTake === true } : {}),
    ...(typeof heir === "string" ? { heir } : {}),
    ...(typeof asker === "string" ? { asker } : {}),
  };
}
