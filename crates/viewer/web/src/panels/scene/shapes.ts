/** Shapes of the 3D scene that belong to no message, and what all shapes need. */
import type * as Three from "../../lazy/three";
import type { Pose } from "../../ros/tf";

const ROBOT_COLOUR = 0x4f9cf9;

/** A flat arrowhead that shows where the robot is and where ahead is. */
export function arrowhead(three: typeof Three): Three.Mesh {
  const geometry = new three.ConeGeometry(0.3, 0.8, 3);
  geometry
    .rotateZ(-Math.PI / 2)
    .rotateX(Math.PI / 2)
    .scale(1, 1, 0.45)
    .translate(0.1, 0, 0.16);
  const material = new three.MeshBasicMaterial({
    color: ROBOT_COLOUR,
    transparent: true,
    opacity: 0.85,
  });
  return new three.Mesh(geometry, material);
}

/** A text that faces the viewer: of the same size wherever it is, or smaller when it is far. */
export function label(three: typeof Three, text: string, isInPlace = false): Three.Sprite {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const font = "600 28px system-ui, sans-serif";
  if (context) {
    context.font = font;
    canvas.width = Math.ceil(context.measureText(text).width) + 12;
    canvas.height = 40;
    context.font = font;
    context.lineWidth = 6;
    context.strokeStyle = "rgba(10, 14, 20, 0.85)";
    context.fillStyle = "#e6edf5";
    context.strokeText(text, 6, 29);
    context.fillText(text, 6, 29);
  }
  const map = new three.CanvasTexture(canvas);
  const material = new three.SpriteMaterial({
    map,
    depthTest: false,
    sizeAttenuation: isInPlace,
  });
  const sprite = new three.Sprite(material);
  const height = 0.045;
  sprite.scale.set((height * canvas.width) / canvas.height, height, 1);
  sprite.center.set(0, -0.3);
  return sprite;
}

export function setPose(object: Three.Object3D, { position, orientation }: Pose): void {
  object.position.set(position.x, position.y, position.z);
  object.quaternion.set(orientation.x, orientation.y, orientation.z, orientation.w);
}

/** Frees what the graphics card holds of an object and all in it. */
export function free(object: Three.Group | Three.Scene): void {
  object.traverse((each) => {
    const { geometry, material } = each as Partial<Three.Mesh>;
    geometry?.dispose();
    for (const one of material === undefined ? [] : [material].flat()) {
      (one as { map?: { dispose(): void } | null }).map?.dispose();
      one.dispose();
    }
  });
}
