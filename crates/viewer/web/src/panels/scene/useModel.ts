/** Keeps the robot's model in a 3D view. */
import { useRef, useState } from "preact/hooks";
import { latestMessage, useWatch } from "../../app/hooks";
import type { Robot } from "../../remote/robot";
import { topicsOf } from "../../ros/kinds";
import { type JointState, loadModel, type Model, setJoints } from "./model";
import { MODEL, type SceneView } from "./view";

const HERE = { position: { x: 0, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };

interface ModelState {
  /** Whether the robot publishes a description. */
  exists: boolean;
  /** Why the model or parts of it are not there. */
  problem: string | undefined;
  /** To be called in every frame. */
  update: (scene: SceneView) => void;
}

/** Subscribes to description and joints while the model is `wanted`. */
export function useModel(robot: Robot, active: boolean, wanted: boolean): ModelState {
  const model = useRef<Model | undefined>(undefined);
  const loaded = useRef<Uint8Array | undefined>(undefined);
  const applied = useRef<Uint8Array | undefined>(undefined);
  const [problem, setProblem] = useState<string>();
  const channels = [...robot.channels.values()];
  const description = topicsOf(channels, "std_msgs/String").find((topic) =>
    topic.endsWith("/robot_description"),
  );
  const joints = topicsOf(channels, "sensor_msgs/JointState", 1)[0];
  const topics = [description, joints].filter((topic) => topic !== undefined);
  useWatch(robot, description === undefined ? [] : topics, active && wanted);

  const load = async (text: string, scene: SceneView) => {
    try {
      const made: Model = await loadModel(text, robot, () => {
        scene.touch();
        setProblem(made.problems[0]);
      });
      model.current = made;
      applied.current = undefined;
      scene.show(MODEL, { frame: made.root, timeS: undefined }, made.robot, HERE);
      setProblem(undefined);
    } catch (error) {
      setProblem(`The robot's model: ${error instanceof Error ? error.message : error}`);
    }
  };
  const update = (scene: SceneView) => {
    if (!wanted) {
      scene.remove(MODEL);
      loaded.current = undefined;
      return;
    }
    const channel = description === undefined ? undefined : robot.channel(description);
    if (channel?.latest && channel.latest !== loaded.current) {
      loaded.current = channel.latest;
      const text = (latestMessage(channel)?.value as { data?: string } | undefined)?.data;
      if (text !== undefined) {
        void load(text, scene);
      }
    }
    const state = joints === undefined ? undefined : robot.channel(joints);
    if (model.current && state?.latest && state.latest !== applied.current) {
      applied.current = state.latest;
      const message = latestMessage(state)?.value as JointState | undefined;
      if (message) {
        setJoints(model.current, message);
        scene.touch();
      }
    }
  };
  return { exists: description !== undefined, problem: wanted ? problem : undefined, update };
}
