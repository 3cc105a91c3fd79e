// Builds the page.
//
//   node build.mjs            into dist/, which is committed, so that the Rust program needs no Node
//   node build.mjs --check    says whether dist/ is what the sources give
//   node build.mjs --tests    the unit tests, into .test/
//   node build.mjs --watch    again after every change
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context, build as esbuild } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

const options = {
  absWorkingDir: here,
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
};

/**
 * All that the page needs at first is one chunk, instead of one for each set of panels that share something:
 * every panel that is loaded later says that it needs all of it.
 */
const oneChunk = {
  name: "one-chunk",
  setup(build) {
    build.onLoad({ filter: /panels\/\w+\/\w+Panel\.tsx$/ }, async ({ path }) => ({
      contents: `import "../../app/App";\n${await readFile(path, "utf8")}`,
      loader: "tsx",
    }));
  },
};

/** Draco's decoder is a script that a module cannot import as it is. */
const dracoModule = {
  name: "draco-module",
  setup(build) {
    build.onLoad({ filter: /draco_wasm_wrapper\.js$/ }, async ({ path }) => ({
      contents: `${await readFile(path, "utf8")}\nexport default DracoDecoderModule;`,
      loader: "js",
    }));
  },
};

/** The page itself: one entry; panels and the large libraries are chunks that are loaded when needed. */
function page(outdir) {
  return {
    ...options,
    entryPoints: { app: "src/main.tsx" },
    outdir,
    splitting: true,
    minify: true,
    // Chunks that others share have no name of their own; steadyNames gives them one.
    chunkNames: "[name]-[hash]",
    assetNames: "[name]",
    legalComments: "linked",
    loader: { ".wasm": "file" },
    // What Draco's decoder asks for where there is no browser.
    external: ["fs", "path"],
    plugins: [oneChunk, dracoModule],
  };
}

async function buildPage(outdir) {
  await rm(outdir, { recursive: true, force: true });
  await mkdir(outdir, { recursive: true });
  await esbuild(page(outdir));
  await steadyNames(outdir);
  await cp(join(here, "static"), outdir, { recursive: true });
  await preloadChunks(outdir);
}

/** The browser fetches what app.js imports beside it, not after it. */
async function preloadChunks(outdir) {
  const app = await readFile(join(outdir, "app.js"), "utf8");
  const names = [...app.matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/g)].map(([, name]) => name).sort();
  const links = names.map((name) => `<link rel="modulepreload" href="${name}">\n    `).join("");
  const html = await readFile(join(outdir, "index.html"), "utf8");
  await writeFile(
    join(outdir, "index.html"),
    html.replace("<script", () => `${links}<script`),
  );
}

/** Names without hashes, so that a change touches only the files that it is about. */
async function steadyNames(outdir) {
  const hashed = (await readdir(outdir)).filter((name) => /-[A-Z0-9]{8}\.js$/.test(name)).sort();
  const sizes = new Map(
    await Promise.all(hashed.map(async (name) => [name, (await stat(join(outdir, name))).size])),
  );
  hashed.sort((a, b) => sizes.get(a) - sizes.get(b));
  const names = new Map();
  for (const name of hashed) {
    const plain = name.replace(/-[A-Z0-9]{8}/, "");
    const taken = [...names.values()];
    let unique = plain;
    for (let number = 2; taken.includes(unique); number += 1) {
      unique = plain.replace(".js", `${number}.js`);
    }
    names.set(name, unique);
  }
  const steady = (text) => [...names].reduce((all, [from, to]) => all.replaceAll(from, to), text);
  const texts = (await readdir(outdir)).filter((name) => !name.endsWith(".wasm"));
  for (const name of texts) {
    const text = await readFile(join(outdir, name), "utf8");
    await writeFile(join(outdir, name), steady(text));
    await rename(join(outdir, name), join(outdir, steady(name)));
  }
}

async function buildTests() {
  const outdir = join(here, ".test");
  await rm(outdir, { recursive: true, force: true });
  const names = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".test.ts"));
  await esbuild({
    ...options,
    entryPoints: names.map((name) => join("test", name)),
    outdir,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    target: "node20",
    sourcemap: "inline",
  });
}

async function files(directory) {
  const names = (await readdir(directory)).sort();
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))])));
}

async function check() {
  const fresh = await mkdtemp(join(tmpdir(), "page-"));
  try {
    await buildPage(fresh);
    const [is, should] = [await files(dist), await files(fresh)];
    const names = new Set([...is.keys(), ...should.keys()]);
    const stale = [...names].filter((name) => !should.get(name)?.equals(is.get(name) ?? Buffer.alloc(0)));
    if (stale.length > 0) {
      console.error(
        `dist/ is not what the sources give (${stale.join(", ")}): run npm run build and commit it`,
      );
      process.exitCode = 1;
    }
  } finally {
    await rm(fresh, { recursive: true });
  }
}

const [how] = process.argv.slice(2);
if (how === "--tests") {
  await buildTests();
} else if (how === "--check") {
  await check();
} else if (how === "--watch") {
  await buildPage(dist);
  const plugin = { name: "names", setup: (build) => build.onEnd(() => steadyNames(dist)) };
  await (await context({ ...page(dist), plugins: [oneChunk, dracoModule, plugin] })).watch();
} else {
  await buildPage(dist);
}
