import assert from "node:assert/strict";
import { test } from "node:test";
import { parseLayout } from "../src/app/layout";
import {
  added,
  arranged,
  barsOf,
  beside,
  boxesOf,
  idsOf,
  moved,
  parseTile,
  resized,
  rowsOf,
  stretched,
  swapped,
  type Tile,
  without,
} from "../src/app/split";

/** Whether tiles fill the whole and do not lie over each other. */
function area(tile: Tile | undefined): number {
  return [...boxesOf(tile).values()].reduce((sum, { width, height }) => sum + width * height, 0);
}

test("any number of panels fills the page with equal tiles", () => {
  for (let count = 1; count < 20; count += 1) {
    const ids = Array.from({ length: count }, (_, index) => `p${index}`);
    const tile = arranged(ids, 1.3);
    assert.deepEqual(idsOf(tile), ids);
    assert.ok(Math.abs(area(tile) - 1) < 1e-9);
    for (const { width, height } of boxesOf(tile).values()) {
      assert.ok(Math.abs(width * height * count - 1) < 1e-9);
    }
    assert.equal(barsOf(tile).length, count - 1);
  }
  assert.equal(arranged([], 1), undefined);
  assert.equal(rowsOf(arranged(["a", "b", "c", "d"], 1)), 2);
});

test("a panel that is added shares the largest one's room, and leaves it again", () => {
  const tile: Tile = { way: "row", at: 0.25, first: "a", second: "b" };
  const more = added(tile, "c", 1);
  assert.deepEqual(more, { ...tile, second: { way: "column", at: 0.5, first: "b", second: "c" } });
  assert.deepEqual(without(more, "c"), tile);
  assert.deepEqual(without(without(more, "a"), "b"), "c");
  assert.equal(without("c", "c"), undefined);
  assert.equal(added(undefined, "a", 1), "a");
});

test("panels are moved by side: with the neighbour, else along the whole page", () => {
  const tile: Tile = {
    way: "row",
    at: 0.5,
    first: "a",
    second: { way: "column", at: 0.5, first: "b", second: "c" },
  };
  assert.deepEqual(idsOf(moved(tile, "a", "right")), ["b", "a", "c"]);
  assert.deepEqual(idsOf(moved(tile, "b", "bottom")), ["a", "c", "b"]);
  assert.deepEqual(moved(tile, "c", "bottom"), {
    way: "column",
    at: 0.5,
    first: { way: "row", at: 0.5, first: "a", second: "b" },
    second: "c",
  });
  assert.deepEqual(moved("a", "a", "left"), "a");
  assert.deepEqual(idsOf(swapped(tile, "a", "c")), ["c", "b", "a"]);
  assert.deepEqual(idsOf(beside(tile, "a", "d", "left")), ["d", "a", "b", "c"]);
});

test("bars move within bounds, the nearest one by keys", () => {
  const tile: Tile = {
    way: "row",
    at: 0.5,
    first: "a",
    second: { way: "column", at: 0.5, first: "b", second: "c" },
  };
  assert.deepEqual(
    barsOf(tile).map(({ path, box }) => [path, box.left]),
    [
      ["", 0],
      ["1", 0.5],
    ],
  );
  assert.equal((resized(tile, "", 5) as { at: number }).at, 0.92);
  const higher = resized(tile, "1", 0.25);
  assert.deepEqual(boxesOf(higher).get("b"), { left: 0.5, top: 0, width: 0.5, height: 0.25 });
  assert.ok(Math.abs((boxesOf(stretched(tile, "c", "right", 0.1)).get("c")?.width ?? 0) - 0.4) < 1e-9);
  assert.deepEqual(stretched(tile, "a", "bottom", 0.1), tile);
});

test("a layout from elsewhere is mended or refused, never believed", () => {
  const broken = {
    way: "up",
    at: 7,
    first: "a",
    second: { way: "row", at: 0.5, first: "gone", second: "a" },
  };
  const mended = parseTile(broken, ["a", "b"], 1);
  assert.deepEqual(idsOf(mended).sort(), ["a", "b"]);
  assert.ok(Math.abs(area(mended) - 1) < 1e-9);
  let deep: unknown = "a";
  for (let depth = 0; depth < 5000; depth += 1) {
    deep = { way: "row", at: 0.5, first: deep, second: "b" };
  }
  assert.deepEqual(idsOf(parseTile(deep, ["a", "b"], 1)).sort(), ["a", "b"]);
  for (const bad of ["", "7", "{}", '{"pages": 7}', '{"pages": []}', "{"]) {
    assert.equal(parseLayout(bad), undefined, bad);
  }
  const panels = [
    { id: "a", kind: "plot", series: [null] },
    { id: "b", kind: "map" },
    { id: "b", kind: "map" },
    7,
  ];
  const layout = parseLayout(JSON.stringify({ pages: [{ panels, tiles: "x" }] }));
  assert.deepEqual(layout?.pages[0]?.panels, [{ id: "b", kind: "map" }]);
  assert.equal(layout?.pages[0]?.tiles, "b");
  // As it was stored before there were pages.
  assert.equal(parseLayout('[{"id": "a", "kind": "map", "wide": true}]')?.pages[0]?.tiles, "a");
});
