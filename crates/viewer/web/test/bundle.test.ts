import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const DIST = join(process.cwd(), "dist");

const zipped = (...names: string[]) =>
  names.reduce((sum, name) => sum + gzipSync(readFileSync(join(DIST, name))).length, 0);

/** Kilobytes after gzip. Raise a budget only with a reason. */
test("the page is small", () => {
  const scripts = readdirSync(DIST).filter((name) => name.endsWith(".js"));
  const first = zipped("index.html", "app.css", "app.js", "chunk.js") / 1000;
  const connected = first + zipped("livekit.js") / 1000;
  const seen = connected + zipped("three.js", "chunk2.js", "uplot.js") / 1000;
  const all = zipped("index.html", "app.css", ...scripts) / 1000;
  console.log(
    `gz: first picture ${first.toFixed(0)} kB, connected ${connected.toFixed(0)} kB, with plots and 3D ${seen.toFixed(0)} kB, all ${all.toFixed(0)} kB`,
  );
  assert.ok(first < 120, `${first} kB until something is seen`);
  assert.ok(connected < 272, `${connected} kB until it is connected`);
  assert.ok(seen < 450, `${seen} kB with plots and 3D`);
  assert.ok(all < 490, `${all} kB in all`);
});

test("the lock file names no registry", () => {
  const lock = readFileSync(join(process.cwd(), "package-lock.json"), "utf8");
  assert.doesNotMatch(lock, /"resolved"/);
});

test("nothing is loaded from elsewhere, and no script stands in the page", () => {
  const html = readFileSync(join(DIST, "index.html"), "utf8");
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//);
  assert.doesNotMatch(html, /<script(?![^>]*src=)/);
  assert.doesNotMatch(readFileSync(join(DIST, "app.css"), "utf8"), /url\(\s*["']?https?:/);
});
