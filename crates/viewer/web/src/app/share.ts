/** Pages of panels in a link or a file, without anything about the connection. */
import { type Page, parseLayout } from "./layout";

/** Name of the pages in a link's fragment, beside `url` and `token`. */
const FIELD = "layout";
/** Characters that a layout may have. */
const MAX_LENGTH = 200_000;

/** A link to this page with these pages in it. It has no token. */
export async function layoutLink(pages: Page[]): Promise<string> {
  const packed = await packText(JSON.stringify({ pages }));
  return `${location.origin}${location.pathname}${location.search}#${FIELD}=${packed}`;
}

/** Takes the pages out of the address, if a link has brought any. */
export async function takeSharedPages(): Promise<Page[]> {
  const fields = new URLSearchParams(location.hash.replace(/^#/, ""));
  const packed = fields.get(FIELD);
  if (packed === null) {
    return [];
  }
  fields.delete(FIELD);
  const rest = fields.size > 0 ? `#${fields}` : "";
  history.replaceState(null, "", location.pathname + location.search + rest);
  try {
    return parseLayout(await unpackText(packed))?.pages ?? [];
  } catch (error) {
    console.warn("the layout of the link cannot be read:", error);
    return [];
  }
}

export function saveLayoutFile(pages: Page[], robot: string): void {
  saveFile(
    new Blob([JSON.stringify({ pages }, null, 2)], { type: "application/json" }),
    `${robot} layout.json`,
  );
}

export async function readLayoutFile(file: File): Promise<Page[]> {
  const layout = file.size > MAX_LENGTH ? undefined : parseLayout(await file.text());
  if (!layout) {
    throw new Error(`${file.name} is not a layout of this page`);
  }
  return layout.pages;
}

/** Lets the browser save something under a name. */
export function saveFile(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.replace(/[^\w. -]+/g, "_");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export async function packText(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The inverse of {@link packText}. Throws on anything else, and on a text that is too long. */
export async function unpackText(packed: string): Promise<string> {
  const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (each) => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (text.length > MAX_LENGTH) {
      await reader.cancel();
      throw new Error(`a layout of more than ${MAX_LENGTH} characters`);
    }
  }
  return text;
}
