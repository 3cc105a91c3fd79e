/** Pixels of sensor_msgs/Image as RGBA, whatever their encoding. */

export interface RawImage {
  height: number;
  width: number;
  encoding: string;
  is_bigendian: number;
  step: number;
  data: Uint8Array;
}

/** Pixels as a canvas takes them. */
export interface Pixels {
  width: number;
  height: number;
  rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Most pixels of a picture that is shown: 64 million, 256 MB as RGBA. */
const MAX_PIXELS = 64e6;

type Convert = (image: RawImage, out: Uint8ClampedArray) => void;

const CONVERTERS: Record<string, Convert> = {
  rgb8: colour(3, 0, 1, 2),
  bgr8: colour(3, 2, 1, 0),
  "8UC3": colour(3, 2, 1, 0),
  rgba8: colour(4, 0, 1, 2),
  bgra8: colour(4, 2, 1, 0),
  "8UC4": colour(4, 2, 1, 0),
  mono8: grey,
  "8UC1": grey,
  mono16: scaled(2, (view, at, little) => view.getUint16(at, little)),
  "16UC1": scaled(2, (view, at, little) => view.getUint16(at, little)),
  "16SC1": scaled(2, (view, at, little) => view.getInt16(at, little)),
  "32FC1": scaled(4, (view, at, little) => view.getFloat32(at, little)),
  yuv422: packedYuv(1, 0, 2),
  uyvy: packedYuv(1, 0, 2),
  yuv422_yuy2: packedYuv(0, 1, 3),
  yuyv: packedYuv(0, 1, 3),
  nv12: semiPlanarYuv(0),
  nv21: semiPlanarYuv(1),
  bayer_rggb8: bayer(0, 0),
  bayer_grbg8: bayer(1, 0),
  bayer_gbrg8: bayer(0, 1),
  bayer_bggr8: bayer(1, 1),
};

/** The picture of a message. Throws an error that says what is wrong with it. */
export function toPixels(image: RawImage): Pixels {
  const { width, height, encoding } = image;
  const convert = CONVERTERS[encoding] ?? CONVERTERS[encoding.toLowerCase()];
  if (!convert) {
    throw new Error(`pictures of the encoding “${encoding}” cannot be shown`);
  }
  if (width < 1 || height < 1) {
    throw new Error("the picture is empty");
  }
  if (width * height > MAX_PIXELS) {
    throw new Error(`a picture of ${width} × ${height} is too large`);
  }
  const rows = /^nv/i.test(encoding) ? Math.ceil(height * 1.5) : height;
  if (image.step * (rows - 1) + minimalRow(image) > image.data.length) {
    throw new Error(
      `the picture is cut off: ${image.data.length} bytes for ${width} × ${height} ${encoding}`,
    );
  }
  const rgba = new Uint8ClampedArray(4 * width * height);
  convert(image, rgba);
  return { width, height, rgba };
}

function minimalRow({ encoding, width }: RawImage): number {
  const name = encoding.toLowerCase();
  const bytes = /^(rgb8|bgr8|8uc3)$/.test(name)
    ? 3
    : /^(rgba8|bgra8|8uc4|32fc1)$/.test(name)
      ? 4
      : /^(mono16|16uc1|16sc1|yuv422|uyvy|yuv422_yuy2|yuyv)$/.test(name)
        ? 2
        : 1;
  return bytes * width;
}

/** One pixel. Number by number: an array for each would cost more than all else. */
function put(out: Uint8ClampedArray, at: number, red: number, green: number, blue: number): void {
  out[at] = red;
  out[at + 1] = green;
  out[at + 2] = blue;
  out[at + 3] = 255;
}

function colour(size: number, red: number, green: number, blue: number): Convert {
  return ({ width, height, step, data }, out) => {
    let to = 0;
    for (let row = 0; row < height; row += 1) {
      let from = row * step;
      for (let column = 0; column < width; column += 1, from += size, to += 4) {
        put(out, to, data[from + red] ?? 0, data[from + green] ?? 0, data[from + blue] ?? 0);
      }
    }
  };
}

function grey({ width, height, step, data }: RawImage, out: Uint8ClampedArray): void {
  let to = 0;
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, to += 4) {
      const value = data[row * step + column] ?? 0;
      put(out, to, value, value, value);
    }
  }
}

/** One number per pixel, from the smallest (black) to the largest (white) in the picture. */
function scaled(size: number, read: (view: DataView, at: number, little: boolean) => number): Convert {
  return ({ width, height, step, data, is_bigendian }, out) => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const values = new Float32Array(width * height);
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const value = read(view, row * step + column * size, is_bigendian === 0);
        values[row * width + column] = value;
        if (Number.isFinite(value)) {
          least = Math.min(least, value);
          most = Math.max(most, value);
        }
      }
    }
    const scale = most > least ? 255 / (most - least) : 0;
    values.forEach((value, index) => {
      const shade = Number.isFinite(value) ? (value - least) * scale : 0;
      put(out, 4 * index, shade, shade, shade);
    });
  };
}

/** Two pixels in four bytes: `y`, `u` and `v` say where the first of each is. */
function packedYuv(y: number, u: number, v: number): Convert {
  return ({ width, height, step, data }, out) => {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const pair = row * step + 4 * (column >> 1);
        const luma = data[pair + y + 2 * (column & 1)] ?? 0;
        putYuv(out, 4 * (row * width + column), luma, data[pair + u] ?? 128, data[pair + v] ?? 128);
      }
    }
  };
}

/** A plane of brightness, then one of colour pairs at half the resolution; `u` is 0 if U comes first. */
function semiPlanarYuv(u: number): Convert {
  return ({ width, height, step, data }, out) => {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const pair = (height + (row >> 1)) * step + (column & ~1);
        const luma = data[row * step + column] ?? 0;
        putYuv(out, 4 * (row * width + column), luma, data[pair + u] ?? 128, data[pair + 1 - u] ?? 128);
      }
    }
  };
}

function putYuv(out: Uint8ClampedArray, at: number, y: number, u: number, v: number): void {
  put(out, at, y + 1.402 * (v - 128), y - 0.344 * (u - 128) - 0.714 * (v - 128), y + 1.772 * (u - 128));
}

/** One colour per pixel; `redAt` and `redRow` say in which column and row red is in a square of four, which gets one colour. */
function bayer(redAt: number, redRow: number): Convert {
  return ({ width, height, step, data }, out) => {
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const x = Math.min(column & ~1, Math.max(0, width - 2));
        const y = Math.min(row & ~1, Math.max(0, height - 2));
        const at = (dx: number, dy: number) => data[(y + dy) * step + x + dx] ?? 0;
        const green = (at(1 - redAt, redRow) + at(redAt, 1 - redRow)) / 2;
        put(out, 4 * (row * width + column), at(redAt, redRow), green, at(1 - redAt, 1 - redRow));
      }
    }
  };
}
