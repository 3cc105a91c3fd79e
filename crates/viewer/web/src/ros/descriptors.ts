/** What a node says about its parameters: types, ranges, and whether they can be set. */
import type { ServiceInfo } from "../remote/messages";
import type { Response } from "../remote/robot";
import { decoderFor, encode, messageType } from "./schema";

/** The part of a robot that is needed here. */
export interface Callable {
  services: Map<number, ServiceInfo>;
  call(service: ServiceInfo, request: Uint8Array): Promise<Response>;
}

export interface Descriptor {
  /** As ROS calls it, such as `double`. */
  type: string;
  description: string;
  isReadOnly: boolean;
  /** Least and most, and the step between values if there is one. */
  range: { least: number; most: number; step: number } | undefined;
  constraints: string;
}

interface Range {
  from_value: number | bigint;
  to_value: number | bigint;
  step: number | bigint;
}

interface ParameterDescriptor {
  name: string;
  type: number;
  description: string;
  additional_constraints: string;
  read_only: boolean;
  floating_point_range: Range[];
  integer_range: Range[];
}

/** By the numbers of `rcl_interfaces/ParameterType`. */
const TYPES = [
  "not set",
  "bool",
  "integer",
  "double",
  "string",
  "byte array",
  "bool array",
  "integer array",
  "double array",
  "string array",
];

function serviceOf(robot: Callable, node: string): ServiceInfo | undefined {
  return [...robot.services.values()].find(({ name }) => name === `${node}/describe_parameters`);
}

/** Whether a node can be asked. */
export function hasDescriptions(robot: Callable, node: string): boolean {
  return serviceOf(robot, node) !== undefined;
}

/** Asks a node, by the service that every node has. Undefined where the robot does not offer it. */
export async function describe(
  robot: Callable,
  node: string,
  names: string[],
): Promise<Map<string, Descriptor> | undefined> {
  const service = serviceOf(robot, node);
  if (!service) {
    return undefined;
  }
  const request = encode(messageType(service.request), { names });
  const { encoding, payload } = await robot.call(service, request);
  const { descriptors } = decoderFor({ ...service.response, encoding })(payload) as {
    descriptors: ParameterDescriptor[];
  };
  // Some nodes leave out the names; the order is that of the request.
  return new Map(descriptors.map((each, index) => [each.name || (names[index] ?? ""), descriptor(each)]));
}

function descriptor(each: ParameterDescriptor): Descriptor {
  const range = each.floating_point_range[0] ?? each.integer_range[0];
  return {
    type: TYPES[each.type] ?? "",
    description: each.description,
    isReadOnly: each.read_only,
    range: range && {
      least: Number(range.from_value),
      most: Number(range.to_value),
      step: Number(range.step),
    },
    constraints: each.additional_constraints,
  };
}

/** Why a value does not fit, if it does not. The node has the last word. */
export function misfit(descriptor: Descriptor | undefined, value: unknown): string | undefined {
  const range = descriptor?.range;
  return range && typeof value === "number" && (value < range.least || value > range.most)
    ? `${range.least} to ${range.most} is possible`
    : undefined;
}

/** Type and range in a few words. */
export function descriptorText({ type, range, isReadOnly }: Descriptor): string {
  const step = range && range.step > 0 ? ` in steps of ${range.step}` : "";
  const ranged = range ? `${type}, ${range.least} to ${range.most}${step}` : type;
  return isReadOnly ? `${ranged}, read-only` : ranged;
}
