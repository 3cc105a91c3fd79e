/** The robot's URDF model, with its joints as /joint_states has them. */
import type { Object3D } from "../../lazy/three";
import type { URDFRobot } from "../../lazy/urdf";
import type { Robot } from "../../remote/robot";

/** A message of sensor_msgs/JointState. */
export interface JointState {
  name: string[];
  position: ArrayLike<number>;
}

/** Characters of a description. */
const MAX_LENGTH = 10e6;
/** An address that is nothing: a model loads no file but by the robot. */
const NOTHING = "data:,";

export interface Model {
  robot: URDFRobot;
  /** The link that the others hang on. */
  root: string;
  /** Meshes that could not be had, with the reason. They come after the model itself. */
  problems: string[];
}

/** Reads a description. Its meshes are fetched from the robot; `changed` is called when one has come. */
export async function loadModel(description: string, from: Robot, changed: () => void): Promise<Model> {
  if (description.length > MAX_LENGTH) {
    throw new Error(`a robot description of more than ${MAX_LENGTH} characters`);
  }
  const urdf = await import("../../lazy/urdf");
  const manager = new urdf.LoadingManager();
  manager.setURLModifier(() => NOTHING);
  const loader = new urdf.URDFLoader(manager);
  loader.packages = (name) => `package://${name}`;
  const problems: string[] = [];
  loader.loadMeshCb = (uri, _manager, material, done) => {
    from
      .fetchAsset(uri)
      .then((data) => {
        done(readMesh(urdf, uri, data, material));
        changed();
      })
      .catch((error: unknown) => {
        problems.push(`${uri}: ${error instanceof Error ? error.message : error}`);
        changed();
      });
  };
  const robot = loader.parse(description);
  return { robot, root: rootOf(description) ?? robot.urdfName, problems };
}

/** Fetches a mesh from the robot. Whoever shows it gives it a material, or leaves that of the file. */
export async function loadMesh(uri: string, from: Robot): Promise<Object3D> {
  const urdf = await import("../../lazy/urdf");
  return readMesh(urdf, uri, await from.fetchAsset(uri), new urdf.MeshPhongMaterial());
}

export function setJoints({ robot }: Model, { name, position }: JointState): void {
  name.forEach((joint, index) => {
    const value = position[index];
    if (value !== undefined && Number.isFinite(value)) {
      robot.setJointValue(joint, value);
    }
  });
}

type Urdf = typeof import("../../lazy/urdf");

function readMesh(
  { STLLoader, ColladaLoader, OBJLoader, LoadingManager, Mesh }: Urdf,
  uri: string,
  data: Uint8Array,
  material: ConstructorParameters<Urdf["Mesh"]>[1],
) {
  const bytes = data.slice().buffer;
  const manager = new LoadingManager();
  manager.setURLModifier(() => NOTHING);
  const ending = uri.slice(uri.lastIndexOf(".") + 1).toLowerCase();
  switch (ending) {
    case "stl":
      return new Mesh(new STLLoader(manager).parse(bytes), material);
    case "dae": {
      const collada = new ColladaLoader(manager).parse(new TextDecoder().decode(bytes), "");
      if (!collada) {
        throw new Error("it cannot be read");
      }
      return collada.scene;
    }
    case "obj":
      return new OBJLoader(manager).parse(new TextDecoder().decode(bytes));
    default:
      throw new Error(`this page reads no ${ending} files`);
  }
}

/** The link that is no joint's child. */
function rootOf(description: string): string | undefined {
  const document = new DOMParser().parseFromString(description, "text/xml");
  const names = [...document.querySelectorAll("robot > link")].map((link) => link.getAttribute("name") ?? "");
  const children = new Set(
    [...document.querySelectorAll("robot > joint > child")].map((child) => child.getAttribute("link")),
  );
  return names.find((name) => !children.has(name));
}
