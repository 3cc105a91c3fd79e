/** The decoder of PNG files with 16 bits, of which a browser shows eight, as a chunk of its own. */
export { decode as decodePng } from "fast-png";
