/** The plot library, as a chunk of its own. */
export { default } from "uplot";
