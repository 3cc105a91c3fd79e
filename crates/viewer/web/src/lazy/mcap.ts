/** The writer of MCAP files, as a chunk of its own. */
export { McapWriter } from "@mcap/core";
