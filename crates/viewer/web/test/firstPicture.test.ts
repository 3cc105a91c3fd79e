import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { expectPicture, picturesHaveCome } from "../src/app/firstPicture";

/** Lets what is settled be noticed. */
const soon = () => new Promise((resolve) => setImmediate(resolve));

test("what is heavy waits for every picture that is expected, and for none that does not come", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let begun = 0;
    const begin = () => void picturesHaveCome().then(() => (begun += 1));
    begin();
    await soon();
    assert.equal(begun, 1, "nothing is expected");
    const first = expectPicture();
    expectPicture();
    begin();
    first();
    await soon();
    assert.equal(begun, 1, "the second has not come");
    mock.timers.tick(1000);
    await soon();
    assert.equal(begun, 2);
    // One that is expected while others are waited for is waited for too.
    const second = expectPicture();
    begin();
    const third = expectPicture();
    second();
    await soon();
    assert.equal(begun, 2);
    third();
    await soon();
    assert.equal(begun, 3);
  } finally {
    mock.timers.reset();
  }
});
