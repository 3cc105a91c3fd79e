/** The part of Draco's decoder that the page uses; whatever is made of it is destroyed by hand. */
declare module "three/examples/jsm/libs/draco/draco_wasm_wrapper.js" {
  /** Something in the decoder's memory. */
  type Held = { readonly ptr: number };

  interface Status extends Held {
    ok(): boolean;
    error_msg(): string;
  }

  interface PointCloud extends Held {
    num_points(): number;
  }

  interface Attribute extends Held {
    num_components(): number;
  }

  interface Numbers extends Held {}

  interface Decoder extends Held {
    DecodeArrayToPointCloud(data: Uint8Array, size: number, into: PointCloud): Status;
    GetAttributeId(cloud: PointCloud, type: number): number;
    GetAttributeIdByMetadataEntry(cloud: PointCloud, name: string, value: string): number;
    GetAttribute(cloud: PointCloud, id: number): Attribute;
    GetAttributeDataArrayForAllPoints(
      cloud: PointCloud,
      attribute: Attribute,
      type: number,
      size: number,
      to: number,
    ): boolean;
  }

  export interface Draco {
    Decoder: new () => Decoder;
    PointCloud: new () => PointCloud;
    POSITION: number;
    DT_FLOAT32: number;
    DT_UINT32: number;
    HEAPU8: Uint8Array;
    _malloc(size: number): number;
    _free(at: number): void;
    destroy(held: Held): void;
  }

  export default function createDecoder(options: { locateFile: () => string }): Promise<Draco>;
}

declare module "*.wasm" {
  /** Its address, from that of the script. */
  const address: string;
  export default address;
}
