/** The decoder of Draco, as a chunk of its own; three.js brings it. */

import wasm from "three/examples/jsm/libs/draco/draco_decoder.wasm";
import createDecoder, { type Draco } from "three/examples/jsm/libs/draco/draco_wasm_wrapper.js";

export type { Draco };

/** Fetches and compiles it. */
export function loadDraco(): Promise<Draco> {
  return createDecoder({ locateFile: () => new URL(wasm, import.meta.url).href });
}
