import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const DIST = join(process.cwd(), "dist");

const text = (name: string) => readFileSync(join(DIST, name), "utf8");

/** Files with all that they import at once. */
function withImports(...names: string[]): Set<string> {
  const all = new Set<string>();
  const add = (name: string) => {
    if (!all.has(name)) {
      all.add(name);
      for (const [, imported = ""] of text(name).matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/g)) {
        add(imported);
      }
    }
  };
  names.forEach(add);
  return all;
}

/** Kilobytes after gzip. */
const zipped = (names: Iterable<string>) =>
  [...names].reduce((sum, name) => sum + gzipSync(readFileSync(join(DIST, name))).length, 0) / 1000;

/** Raise a budget only with a reason. */
test("the page is small", () => {
  const files = ["index.html", "app.css", "app.js"];
  const first = zipped(withImports(...files));
  const connected = zipped(withImports(...files, "livekit.js"));
  const usual = ["ScenePanel.js", "PlotPanel.js", "three.js", "uplot.js"];
  const seen = zipped(withImports(...files, "livekit.js", ...usual));
  // Only where a robot compresses clouds of points.
  const clouds = zipped(["draco.js", "draco_decoder.wasm"]);
  const all = zipped(readdirSync(DIST).filter((name) => /\.(js|css|html)$/.test(name)));
  console.log(
    `gz: first picture ${first.toFixed(0)} kB, connected ${connected.toFixed(0)} kB, with plots and 3D ${seen.toFixed(0)} kB, all ${all.toFixed(0)} kB`,
  );
  assert.ok(first < 105, `${first} kB until something is seen`);
  assert.ok(connected < 257, `${connected} kB until it is connected`);
  assert.ok(seen < 450, `${seen} kB with plots and 3D`);
  assert.ok(clouds < 105, `${clouds} kB for compressed clouds`);
  // Nine of them decode depths.
  assert.ok(all < 521, `${all} kB in all`);
});

test("the first load has no panel that is opened later, and tells the browser all that it needs", () => {
  const needed = withImports("app.js");
  assert.ok(needed.size <= 5, `${[...needed]}`);
  assert.deepEqual(
    [...needed].filter((name) => name.endsWith("Panel.js")),
    [],
  );
  for (const name of needed) {
    assert.ok(text("index.html").includes(`"${name}"`), name);
  }
});

test("the lock file names no registry", () => {
  const lock = readFileSync(join(process.cwd(), "package-lock.json"), "utf8");
  assert.doesNotMatch(lock, /"resolved"/);
});

test("nothing is loaded from elsewhere, and no script stands in the page", () => {
  const html = text("index.html");
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//);
  assert.doesNotMatch(html, /<script(?![^>]*src=)/);
  assert.doesNotMatch(text("app.css"), /url\(\s*["']?https?:/);
});
