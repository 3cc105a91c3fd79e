/**
 * The first picture comes first: what keeps the browser busy for long when the page opens waits for it.
 * Without a graphics card a 3D view takes a second to begin.
 */

/** A camera that shows nothing holds nobody up for longer. */
const PATIENCE_MS = 1000;

const expected = new Set<Promise<void>>();

/** A panel is about to show a picture. Returns what is called when it does, or will not. */
export function expectPicture(): () => void {
  let settle = () => {};
  const picture = new Promise<void>((resolve) => {
    settle = resolve;
    setTimeout(resolve, PATIENCE_MS);
  });
  expected.add(picture);
  void picture.then(() => expected.delete(picture));
  return settle;
}

/** Waits until no picture is expected. */
export async function picturesHaveCome(): Promise<void> {
  while (expected.size > 0) {
    await Promise.all(expected);
  }
}
