/** visualization_msgs markers in the 3D scene. */
import type * as Three from "../../lazy/three";
import { type Pose, type Stamp, seconds, type Vector } from "../../ros/tf";
import { label } from "./shapes";
import type { SceneView } from "./view";

interface Colour {
  r: number;
  g: number;
  b: number;
  a: number;
}

/** A message of visualization_msgs/Marker. */
export interface Marker {
  header: { frame_id: string; stamp: Stamp };
  ns: string;
  id: number;
  type: number;
  action: number;
  pose: Pose;
  scale: Vector;
  color: Colour;
  lifetime: Stamp;
  frame_locked: boolean;
  points: Vector[];
  colors: Colour[];
  text: string;
  mesh_resource: string;
  mesh_use_embedded_materials: boolean;
}

const ARROW = 0;
const CUBE = 1;
const SPHERE = 2;
const CYLINDER = 3;
const LINE_STRIP = 4;
const LINE_LIST = 5;
const CUBE_LIST = 6;
const SPHERE_LIST = 7;
const POINTS = 8;
const TEXT = 9;
const MESH = 10;
const TRIANGLES = 11;
const DELETE = 2;
const DELETE_ALL = 3;
/** Markers that are kept, and points of one. */
const MAX_MARKERS = 5000;
const MAX_POINTS = 200_000;
/** Files of meshes that are kept. */
const MAX_MESHES = 50;
/** After how many milliseconds a file that could not be had is asked for again, by the next marker with it. */
const RETRY_MS = 10_000;

/** Fetches a mesh. */
type LoadMesh = (uri: string) => Promise<Three.Object3D>;

export class Markers {
  #three: typeof Three;
  #view: SceneView;
  #load: LoadMesh;
  /** Meshes by their URIs: a marker that is published again is not fetched again. */
  #meshes = new Map<string, Promise<Three.Object3D>>();
  /** Why meshes could not be had, by their URIs. */
  #problems = new Map<string, string>();
  /** The URIs of the meshes that are shown, by the names of their markers. */
  #wanted = new Map<string, string>();
  /** When each ends, on the page's clock. */
  #ends = new Map<string, number>();

  constructor(three: typeof Three, view: SceneView, load: LoadMesh) {
    this.#three = three;
    this.#view = view;
    this.#load = load;
  }

  /** Why a mesh could not be had, if one could not. */
  get problem(): string | undefined {
    for (const uri of this.#wanted.values()) {
      const problem = this.#problems.get(uri);
      if (problem !== undefined) {
        return problem;
      }
    }
    return undefined;
  }

  take(topic: string, marker: Marker, nowMs: number): void {
    const name = `${topic}\n${marker.ns}\n${marker.id}`;
    if (marker.action === DELETE_ALL) {
      this.clear(topic);
    } else if (marker.action === DELETE) {
      this.#remove(name);
    } else if (this.#ends.has(name) || this.#ends.size < MAX_MARKERS) {
      const object = this.#object(marker);
      if (!object) {
        this.#remove(name);
        return;
      }
      if (marker.type === MESH) {
        this.#wanted.set(name, marker.mesh_resource);
      } else {
        this.#wanted.delete(name);
      }
      const { header, pose, lifetime } = marker;
      const stamp = seconds(header.stamp);
      const timeS = marker.frame_locked || stamp === 0 ? undefined : stamp;
      this.#view.show(name, { frame: header.frame_id, timeS }, object, pose);
      const lifeMs = 1000 * seconds(lifetime);
      this.#ends.set(name, lifeMs > 0 ? nowMs + lifeMs : Number.POSITIVE_INFINITY);
    }
  }

  /** Removes those whose lifetime is over. */
  expire(nowMs: number): void {
    for (const [name, end] of this.#ends) {
      if (end < nowMs) {
        this.#remove(name);
      }
    }
  }

  /** Removes all of a topic. */
  clear(topic: string): void {
    for (const name of [...this.#ends.keys()].filter((each) => each.startsWith(`${topic}\n`))) {
      this.#remove(name);
    }
  }

  #remove(name: string): void {
    this.#ends.delete(name);
    this.#wanted.delete(name);
    this.#view.remove(name);
  }

  #object(marker: Marker): Three.Object3D | undefined {
    const three = this.#three;
    const { scale } = marker;
    const material = this.#material(marker);
    switch (marker.type) {
      case ARROW:
        return this.#arrow(marker, material);
      case CUBE:
        return sized(new three.Mesh(new three.BoxGeometry(1, 1, 1), material), scale);
      case SPHERE:
        return sized(new three.Mesh(new three.SphereGeometry(0.5, 20, 14), material), scale);
      case CYLINDER:
        return sized(
          new three.Mesh(new three.CylinderGeometry(0.5, 0.5, 1, 24).rotateX(Math.PI / 2), material),
          scale,
        );
      case CUBE_LIST:
        return this.#instances(marker, new three.BoxGeometry(scale.x, scale.y, scale.z), material);
      case SPHERE_LIST:
        return this.#instances(marker, new three.SphereGeometry(scale.x / 2, 10, 8), material);
      case LINE_STRIP:
      case LINE_LIST: {
        const lines = new three.LineBasicMaterial({ vertexColors: true, transparent: true });
        const geometry = this.#points(marker);
        return marker.type === LINE_STRIP
          ? new three.Line(geometry, lines)
          : new three.LineSegments(geometry, lines);
      }
      case POINTS: {
        const points = new three.PointsMaterial({ size: scale.x, vertexColors: true, transparent: true });
        return new three.Points(this.#points(marker), points);
      }
      case TRIANGLES: {
        const { DoubleSide } = three;
        const faces = new three.MeshBasicMaterial({
          vertexColors: true,
          transparent: true,
          side: DoubleSide,
        });
        return sized(new three.Mesh(this.#points(marker), faces), scale);
      }
      case MESH:
        return sized(this.#mesh(marker, material), scale);
      case TEXT: {
        const text = label(three, marker.text.slice(0, 200), true);
        text.scale.multiplyScalar((marker.scale.z || 0.2) / text.scale.y);
        text.center.set(0.5, 0.5);
        return text;
      }
      default:
        return undefined;
    }
  }

  #material({ color: { r, g, b, a } }: Marker): Three.MeshLambertMaterial {
    const color = new this.#three.Color().setRGB(r, g, b, "srgb");
    return new this.#three.MeshLambertMaterial({ color, transparent: a < 1, opacity: a });
  }

  /** Along x with the scale's length, or from the first point to the second. */
  #arrow({ scale, points }: Marker, material: Three.Material): Three.Object3D {
    const three = this.#three;
    const [from, to] = points;
    const group = new three.Group();
    const isBetween = from !== undefined && to !== undefined;
    const way = isBetween
      ? new three.Vector3(to.x - from.x, to.y - from.y, to.z - from.z)
      : new three.Vector3(scale.x, 0, 0);
    const length = way.length() || 1e-6;
    const [shaft, head] = isBetween ? [scale.x, scale.y] : [scale.y, 2 * scale.y];
    const tip = Math.min(length, isBetween && scale.z > 0 ? scale.z : 0.25 * length);
    const body = new three.CylinderGeometry(shaft / 2, shaft / 2, length - tip, 12);
    body.translate(0, (length - tip) / 2, 0);
    const cone = new three.ConeGeometry(head / 2, tip, 16).translate(0, length - tip / 2, 0);
    group.add(new three.Mesh(body, material), new three.Mesh(cone, material));
    group.quaternion.setFromUnitVectors(new three.Vector3(0, 1, 0), way.normalize());
    if (isBetween) {
      group.position.set(from.x, from.y, from.z);
    }
    return group;
  }

  /** A place for a mesh, which comes later. */
  #mesh(marker: Marker, material: Three.MeshLambertMaterial): Three.Object3D {
    const { mesh_resource: uri, mesh_use_embedded_materials: isColoured } = marker;
    const group = new this.#three.Group();
    this.#fetched(uri).then(
      (mesh) => {
        this.#problems.delete(uri);
        const own = mesh.clone();
        own.traverse((each) => {
          if ("material" in each && !isColoured) {
            each.material = material;
          }
        });
        group.add(own);
        this.#view.touch();
      },
      (error: unknown) => {
        const wanted = new Set(this.#wanted.values());
        for (const known of this.#problems.keys()) {
          if (!wanted.has(known)) {
            this.#problems.delete(known);
          }
        }
        this.#problems.set(uri, `${uri}: ${error instanceof Error ? error.message : error}`);
        // It is fetched again when the marker is published again; until then the reason stands.
        setTimeout(() => this.#meshes.delete(uri), RETRY_MS);
      },
    );
    return group;
  }

  #fetched(uri: string): Promise<Three.Object3D> {
    const mesh = this.#meshes.get(uri) ?? this.#load(uri);
    this.#meshes.set(uri, mesh);
    const [oldest] = this.#meshes.keys();
    if (this.#meshes.size > MAX_MESHES && oldest !== undefined) {
      this.#meshes.delete(oldest);
    }
    return mesh;
  }

  #instances(
    marker: Marker,
    shape: Three.BufferGeometry,
    material: Three.MeshLambertMaterial,
  ): Three.Object3D {
    const three = this.#three;
    const places = marker.points.slice(0, MAX_POINTS);
    const mesh = new three.InstancedMesh(shape, material, places.length);
    const matrix = new three.Matrix4();
    const isColoured = marker.colors.length === marker.points.length;
    if (isColoured) {
      material.color.set(0xffffff);
    }
    places.forEach(({ x, y, z }, index) => {
      mesh.setMatrixAt(index, matrix.makeTranslation(x, y, z));
      const colour = marker.colors[index];
      if (isColoured && colour) {
        mesh.setColorAt(index, new three.Color().setRGB(colour.r, colour.g, colour.b, "srgb"));
      }
    });
    return mesh;
  }

  /** The points as vertices, with their colours or the marker's. */
  #points({ points, colors, color }: Marker): Three.BufferGeometry {
    const three = this.#three;
    const places = points.slice(0, MAX_POINTS);
    const positions = new Float32Array(places.flatMap(({ x, y, z }) => [x, y, z]));
    const shades = new Float32Array(
      places.flatMap((_, index) => {
        const { r, g, b, a } = colors[index] ?? color;
        return [r, g, b, a];
      }),
    );
    const geometry = new three.BufferGeometry();
    geometry.setAttribute("position", new three.BufferAttribute(positions, 3));
    geometry.setAttribute("color", new three.BufferAttribute(shades, 4));
    return geometry;
  }
}

function sized<T extends Three.Object3D>(object: T, { x, y, z }: Vector): T {
  object.scale.set(x || 1e-6, y || 1e-6, z || 1e-6);
  return object;
}
