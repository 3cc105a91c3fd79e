/** What a decoder must know of an H.264 stream in Annex B. */

const SPS = 7;
const IDR = 5;

/** The first bytes of each unit: its kind and what follows. */
function* units(data: Uint8Array): Generator<number> {
  for (let index = 0; index + 3 < data.length; index += 1) {
    if (data[index] === 0 && data[index + 1] === 0 && data[index + 2] === 1) {
      yield index + 3;
      index += 3;
    }
  }
}

/** Whether a decoder can begin with this picture. */
export function isKeyFrame(data: Uint8Array): boolean {
  for (const at of units(data)) {
    const kind = (data[at] ?? 0) & 0x1f;
    if (kind === IDR) {
      return true;
    }
  }
  return false;
}

/** The codec string of the stream, such as `avc1.42E01F`, if this picture tells it. */
export function codecOf(data: Uint8Array): string | undefined {
  for (const at of units(data)) {
    if (((data[at] ?? 0) & 0x1f) === SPS && at + 3 < data.length) {
      const hex = [1, 2, 3].map((step) => (data[at + step] ?? 0).toString(16).padStart(2, "0"));
      return `avc1.${hex.join("").toUpperCase()}`;
    }
  }
  return undefined;
}
