/** The 3D scene: one group per topic, placed by its frame, and the frames themselves. */
import type * as Three from "../../lazy/three";
import { gridPixels, type OccupancyGrid } from "../../ros/grid";
import type { Points } from "../../ros/pointcloud";
import { type Pose, rotate, type Transforms, type Vector } from "../../ros/tf";
import { scrollsPage } from "../wheel";
import { arrowhead, free, label, setPose } from "./shapes";

const PATH_COLOUR = 0xf5a524;
const AXES_SIZE = 0.4;
/** Frames whose axes are drawn; more than that hides everything else. */
const MAX_AXES = 80;

/** Name of the layer with the robot's model, which takes the place of the arrowhead. */
export const MODEL = "\nmodel";

/** Where a layer's message was made. */
export interface Origin {
  frame: string;
  /** Seconds; undefined for where the frame is now. */
  timeS: number | undefined;
}

type Drawn = Three.Points | Three.Line | Three.Mesh;
/** Colours of poses that are somebody's wish, and of the one that is being chosen. */
const POSE_COLOUR = 0xe5679b;

interface Layer {
  origin: Origin;
  group: Three.Group;
  /** What {@link SceneView.points} and the like give another shape. */
  object: Drawn | undefined;
}

/** Keeps a turn of the wheel from the view that is meant for the page. */
function leaveToPage(event: WheelEvent): void {
  if (scrollsPage(event, event.currentTarget as HTMLElement)) {
    event.stopImmediatePropagation();
  }
}

export class SceneView {
  #three: typeof Three;
  #canvas: HTMLCanvasElement;
  #renderer: Three.WebGLRenderer;
  #scene: Three.Scene;
  #camera: Three.PerspectiveCamera;
  #controls: Three.OrbitControls;
  #layers = new Map<string, Layer>();
  #axes = new Map<string, Three.Group>();
  #labels = new Map<string, Three.Sprite>();
  #hasNames = false;
  #robot: Three.Mesh;
  #isStale = true;
  #revision = -1;
  #root = "";
  #followed: Vector | undefined;

  constructor(three: typeof Three, canvas: HTMLCanvasElement) {
    this.#three = three;
    this.#canvas = canvas;
    this.#renderer = new three.WebGLRenderer({
      canvas,
      antialias: true,
      alpha: true,
      preserveDrawingBuffer: true,
    });
    // Asking for errors waits until the graphics card has compiled.
    this.#renderer.debug.checkShaderErrors = false;
    this.#renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.#scene = new three.Scene();
    this.#camera = new three.PerspectiveCamera(55, 1, 0.05, 2000);
    this.#camera.up.set(0, 0, 1);
    canvas.addEventListener("wheel", leaveToPage, { capture: true });
    this.#controls = new three.OrbitControls(this.#camera, canvas);
    this.#controls.zoomToCursor = true;
    this.#controls.listenToKeyEvents(canvas);
    this.#controls.addEventListener("change", () => {
      this.#isStale = true;
    });
    this.resetCamera();
    const grid = new three.GridHelper(40, 40, 0x5b6b82, 0x34404f);
    grid.rotation.x = Math.PI / 2;
    const material = grid.material;
    material.transparent = true;
    material.opacity = 0.55;
    this.#scene.add(grid);
    this.#robot = arrowhead(three);
    this.#scene.add(this.#robot);
    const sun = new three.DirectionalLight(0xffffff, 2.2);
    sun.position.set(-3, -5, 8);
    this.#scene.add(sun, new three.AmbientLight(0xffffff, 1.3));
  }

  /** Whether the user turns and moves the view, or chooses a place in it. */
  set isFixed(wanted: boolean) {
    this.#controls.enabled = !wanted;
  }

  /** Where the view looks at. */
  get middle(): { x: number; y: number } {
    const { x, y } = this.#controls.target;
    return { x, y };
  }

  /** The place on the floor under a place on the screen, in the frame of the view. */
  floorUnder({
    clientX,
    clientY,
  }: {
    clientX: number;
    clientY: number;
  }): { x: number; y: number } | undefined {
    const three = this.#three;
    const box = this.#canvas.getBoundingClientRect();
    const x = (2 * (clientX - box.left)) / box.width - 1;
    const y = 1 - (2 * (clientY - box.top)) / box.height;
    const ray = new three.Raycaster();
    ray.setFromCamera(new three.Vector2(x, y), this.#camera);
    const floor = new three.Plane(new three.Vector3(0, 0, 1), 0);
    return ray.ray.intersectPlane(floor, new three.Vector3()) ?? undefined;
  }

  /** Anything, at a pose in its frame, in the place of what had the name before. */
  show(name: string, origin: Origin, object: Three.Object3D, pose: Pose): void {
    this.remove(name);
    const holder = new this.#three.Group();
    setPose(holder, pose);
    holder.add(object);
    const group = new this.#three.Group();
    group.add(holder);
    this.#scene.add(group);
    this.#layers.set(name, { origin, group, object: undefined });
    this.#isStale = true;
  }

  /** An arrowhead on the floor for each pose. */
  poses(name: string, origin: Origin, poses: Pose[], colour = POSE_COLOUR): void {
    const three = this.#three;
    const corners = [
      { x: 0.35, y: 0, z: 0.03 },
      { x: -0.2, y: 0.18, z: 0.03 },
      { x: -0.2, y: -0.18, z: 0.03 },
    ];
    const positions = poses.flatMap((pose) =>
      corners.flatMap((corner) => {
        const turned = rotate(pose.orientation, corner);
        return [pose.position.x + turned.x, pose.position.y + turned.y, pose.position.z + turned.z];
      }),
    );
    const geometry = new three.BufferGeometry();
    geometry.setAttribute("position", new three.BufferAttribute(new Float32Array(positions), 3));
    this.#put(name, origin, geometry, () => {
      const material = new three.MeshBasicMaterial({ color: colour, side: three.DoubleSide });
      return new three.Mesh(geometry, material);
    });
  }

  resetCamera(): void {
    this.#camera.position.set(-8, -8, 7);
    this.#controls.target.set(0, 0, 0);
    this.#controls.update();
    this.#followed = undefined;
    this.#isStale = true;
  }

  /** Points of so many pixels, at a pose in their frame. */
  points(name: string, origin: Origin, { positions, colours }: Points, size: number, pose?: Pose): void {
    const three = this.#three;
    const geometry = new three.BufferGeometry();
    geometry.setAttribute("position", new three.BufferAttribute(positions, 3));
    geometry.setAttribute("color", new three.BufferAttribute(colours, 3));
    const drawn = this.#put(name, origin, geometry, () => {
      const material = new three.PointsMaterial({ size, sizeAttenuation: false, vertexColors: true });
      return new three.Points(geometry, material);
    });
    if (pose) {
      setPose(drawn, pose);
    }
  }

  path(name: string, origin: Origin, way: Vector[]): void {
    const three = this.#three;
    const geometry = new three.BufferGeometry();
    const positions = new Float32Array(way.flatMap(({ x, y, z }) => [x, y, z + 0.02]));
    geometry.setAttribute("position", new three.BufferAttribute(positions, 3));
    this.#put(
      name,
      origin,
      geometry,
      () => new three.Line(geometry, new three.LineBasicMaterial({ color: PATH_COLOUR })),
    );
  }

  grid(name: string, from: Origin, map: OccupancyGrid, isCost: boolean): void {
    const three = this.#three;
    const { width, height, resolution, origin } = map.info;
    const texture = new three.DataTexture(gridPixels(map, isCost), width, height);
    texture.magFilter = three.NearestFilter;
    texture.needsUpdate = true;
    const geometry = new three.PlaneGeometry(width * resolution, height * resolution);
    geometry.translate((width * resolution) / 2, (height * resolution) / 2, 0);
    const mesh = this.#put(name, from, geometry, () => {
      const material = new three.MeshBasicMaterial({
        map: texture,
        transparent: true,
        opacity: 0.6,
        side: three.DoubleSide,
        depthWrite: false,
      });
      return new three.Mesh(geometry, material);
    });
    const material = mesh.material as Three.MeshBasicMaterial;
    if (material.map !== texture) {
      material.map?.dispose();
      material.map = texture;
    }
    setPose(mesh, origin);
    mesh.position.z += isCost ? 0.005 : -0.01;
  }

  /** Something of what is shown has changed. */
  touch(): void {
    this.#isStale = true;
  }

  remove(name: string): void {
    const layer = this.#layers.get(name);
    if (layer) {
      this.#scene.remove(layer.group);
      free(layer.group);
      this.#layers.delete(name);
      this.#isStale = true;
    }
  }

  /** Puts everything where the frames say, seen from the frame `root`. */
  place(transforms: Transforms, root: string, robot: string | undefined, follows: boolean): void {
    if (transforms.revision !== this.#revision || root !== this.#root) {
      this.#revision = transforms.revision;
      this.#root = root;
      this.#placeAxes(transforms, root);
      this.#isStale = true;
    }
    for (const { origin, group } of this.#layers.values()) {
      const pose = transforms.pose(origin.frame, root, origin.timeS);
      group.visible = pose !== undefined;
      if (pose) {
        setPose(group, pose);
      }
    }
    const pose = robot === undefined ? undefined : transforms.pose(robot, root);
    this.#robot.visible = pose !== undefined && !this.#layers.has(MODEL);
    if (pose) {
      setPose(this.#robot, pose);
    }
    this.#follow(follows ? pose?.position : undefined);
  }

  /** Whether every frame has its name beside it. */
  showNames(wanted: boolean): void {
    if (wanted !== this.#hasNames) {
      this.#hasNames = wanted;
      for (const text of this.#labels.values()) {
        text.visible = wanted;
      }
      this.#isStale = true;
    }
  }

  /** Draws if there is anything new, and says so. */
  render(): boolean {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const size = this.#renderer.getSize(new this.#three.Vector3() as never);
    if (width > 0 && height > 0 && (size.x !== width || size.y !== height)) {
      this.#renderer.setSize(width, height, false);
      this.#camera.aspect = width / height;
      this.#camera.updateProjectionMatrix();
      this.#isStale = true;
    }
    const isStale = this.#isStale;
    if (isStale) {
      this.#isStale = false;
      this.#renderer.render(this.#scene, this.#camera);
    }
    return isStale;
  }

  dispose(): void {
    for (const name of [...this.#layers.keys()]) {
      this.remove(name);
    }
    free(this.#scene);
    this.#controls.dispose();
    this.#canvas.removeEventListener("wheel", leaveToPage, { capture: true });
    this.#renderer.dispose();
  }

  /**
   * Gives a layer another shape. Its material stays: with the last one of a kind the graphics card
   * forgets the program for it, and compiling that for every message costs more than all else.
   */
  #put(name: string, origin: Origin, geometry: Three.BufferGeometry, make: () => Drawn): Drawn {
    this.#isStale = true;
    const known = this.#layers.get(name);
    if (known?.object) {
      known.origin = origin;
      known.object.geometry.dispose();
      known.object.geometry = geometry;
      return known.object;
    }
    const object = make();
    object.frustumCulled = false;
    const group = new this.#three.Group();
    group.add(object);
    this.#scene.add(group);
    this.#layers.set(name, { origin, group, object });
    return object;
  }

  #placeAxes(transforms: Transforms, root: string): void {
    const names = new Set(transforms.names().slice(0, MAX_AXES));
    for (const [name, group] of this.#axes) {
      if (!names.has(name)) {
        this.#scene.remove(group);
        free(group);
        this.#axes.delete(name);
        this.#labels.delete(name);
      }
    }
    for (const name of names) {
      const pose = transforms.pose(name, root);
      const group = this.#axes.get(name) ?? this.#newAxes(name);
      group.visible = pose !== undefined;
      if (pose) {
        setPose(group, pose);
      }
    }
  }

  #newAxes(name: string): Three.Group {
    const group = new this.#three.Group();
    group.add(new this.#three.AxesHelper(AXES_SIZE));
    const text = label(this.#three, name);
    text.visible = this.#hasNames;
    this.#labels.set(name, text);
    group.add(text);
    this.#scene.add(group);
    this.#axes.set(name, group);
    return group;
  }

  /** Moves camera and target along with what is followed. */
  #follow(position: Vector | undefined): void {
    const last = this.#followed;
    this.#followed = position;
    if (!position) {
      return;
    }
    const { target } = this.#controls;
    const from = last ?? target;
    const moved = new this.#three.Vector3(position.x - from.x, position.y - from.y, position.z - from.z);
    if (moved.lengthSq() > 0) {
      target.add(moved);
      this.#camera.position.add(moved);
      this.#controls.update();
      this.#isStale = true;
    }
  }
}
