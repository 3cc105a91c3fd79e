/** Records topics into an MCAP file, which Foxglove, Lichtblick and `ros2 bag` read. */
import { useEffect, useRef, useState } from "preact/hooks";
import { bytes, duration } from "../../app/format";
import { useRepaint } from "../../app/hooks";
import { refusedToSend } from "../../app/permissions";
import { saveFile } from "../../app/share";
import { useSetting } from "../../app/workspace";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";
import { MAX_BYTES, Recorder } from "./recorder";

export default function RecordPanel({ place, spec, visible }: PanelProps) {
  const { robot } = place;
  const [wanted, setWanted] = useSetting(spec, "topics", "shown");
  const [running, setRunning] = useState<{ recorder: Recorder; beganMs: number }>();
  const [outcome, setOutcome] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const current = useRef<Recorder | undefined>(undefined);
  useRepaint(visible, 2);
  // Whoever closes the panel ends the recording; there is nobody left to save it.
  useEffect(() => () => void current.current?.stop(), []);

  const refusal = refusedToSend(place);
  const all = [...robot.channels.keys()];
  const topics = [...robot.channels.values()]
    .map(({ topic }) => topic)
    .filter((topic) => wanted === "all" || robot.isWatched(topic));
  const begin = async () => {
    setBusy(true);
    setOutcome(undefined);
    try {
      const recorder = await Recorder.start(robot, topics);
      current.current = recorder;
      setRunning({ recorder, beganMs: performance.now() });
    } catch (error) {
      setOutcome(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  const end = async () => {
    if (!running) {
      return;
    }
    setBusy(true);
    current.current = undefined;
    const file = await running.recorder.stop();
    const time = `${new Date().toISOString().slice(0, 19).replaceAll(":", "-")}Z`;
    saveFile(file, `${robot.name} ${time}.mcap`);
    setOutcome(`Saved ${running.recorder.messages} messages, ${bytes(file.size)}`);
    setRunning(undefined);
    setBusy(false);
  };
  return (
    <div class="body record">
      {refusal !== undefined && <Hint>{refusal}</Hint>}
      <label class="field">
        <span>Topics</span>
        <select
          value={wanted}
          disabled={running !== undefined}
          onChange={(event) => setWanted(event.currentTarget.value)}
        >
          <option value="shown">those that are shown now</option>
          <option value="all">all {all.length}</option>
        </select>
      </label>
      <div class="row">
        {running ? (
          <button type="button" class="primary" disabled={isBusy} onClick={() => void end()}>
            Stop and save
          </button>
        ) : (
          <button
            type="button"
            class="primary"
            disabled={isBusy || refusal !== undefined || topics.length === 0}
            onClick={() => void begin()}
          >
            Record {topics.length === 1 ? "1 topic" : `${topics.length} topics`}
          </button>
        )}
        {running && (
          <output class="figures" aria-live="off">
            {duration(performance.now() - running.beganMs)} · {running.recorder.messages} messages ·{" "}
            {bytes(running.recorder.bytes)}
            {running.recorder.lost > 0 && ` · ${running.recorder.lost} lost`}
          </output>
        )}
      </div>
      {running?.recorder.isFull && <Hint error>The recording is full: stop and save it.</Hint>}
      <p role="status">{outcome}</p>
      {!running && (
        <Hint>
          Recorded in this tab, up to {bytes(MAX_BYTES)}, and saved as MCAP. What the robot leaves out for a
          slow link is not in it.
        </Hint>
      )}
    </div>
  );
}
