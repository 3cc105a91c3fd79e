/** Which topics a 3D view, a map or a picture shows. */
import { useState } from "preact/hooks";
import type { PanelSpec } from "../app/layout";
import { updatePanel } from "../app/workspace";
import type { Channel } from "../remote/channel";
import type { Robot } from "../remote/robot";
import { typeOf } from "../ros/kinds";
import { Tool } from "./parts";
import { type LayerTypes, unaskedLayers } from "./unasked";

/** Every topic of the robot that the view can show. */
export function possibleLayers(robot: Robot, types: LayerTypes): Channel[] {
  return [...robot.channels.values()]
    .filter((channel) => typeOf(channel) in types)
    .sort((a, b) => a.topic.localeCompare(b.topic));
}

/** The topics that the view shows. */
export function shownLayers(robot: Robot, types: LayerTypes, spec: PanelSpec): string[] {
  return (spec.layers ?? unaskedLayers(robot.channels.values(), types)).filter((topic) =>
    robot.channel(topic),
  );
}

export function LayerMenu({ robot, spec, types }: { robot: Robot; spec: PanelSpec; types: LayerTypes }) {
  const [isOpen, setOpen] = useState(false);
  const shown = shownLayers(robot, types, spec);
  const toggle = (topic: string) => {
    const layers = shown.includes(topic) ? shown.filter((each) => each !== topic) : [...shown, topic];
    updatePanel(spec.id, { layers });
  };
  return (
    <div class="layer-menu">
      <Tool icon="layers" label="Choose topics" pressed={isOpen} run={() => setOpen(!isOpen)} />
      {isOpen && (
        <fieldset>
          <legend>Topics</legend>
          {possibleLayers(robot, types).map(({ topic, schemaName }) => (
            <label key={topic}>
              <input type="checkbox" checked={shown.includes(topic)} onChange={() => toggle(topic)} />
              <span>
                {topic} <small>{schemaName.split("/").at(-1)}</small>
              </span>
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}
