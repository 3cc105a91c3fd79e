import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const css = readFileSync(join(process.cwd(), "src/style/base.css"), "utf8");

/** The colours of a theme, by name. */
function theme(selector: string): Map<string, string> {
  const block = css.split(`${selector} {`)[1]?.split("}")[0] ?? "";
  return new Map(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name ?? "", value ?? ""]),
  );
}

/** Relative luminance, as WCAG 2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

test("every text has the contrast that WCAG asks for, dark and light", () => {
  for (const selector of [":root", ':root[data-theme="light"]']) {
    const colours = theme(selector);
    const pairs = ["text", "text-2", "accent", "good", "warn", "bad"].flatMap((text) =>
      ["bg", "surface", "surface-2"].map((ground) => [text, ground]),
    );
    for (const [text = "", ground = ""] of [...pairs, ["accent-text", "accent"]]) {
      const ratio = contrast(colours.get(text) ?? "", colours.get(ground) ?? "");
      assert.ok(ratio >= 4.5, `${selector}: ${text} on ${ground} is ${ratio.toFixed(2)}`);
    }
  }
});
