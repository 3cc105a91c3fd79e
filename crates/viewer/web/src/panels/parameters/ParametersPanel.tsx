/** The robot's parameters, by node. */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { refused } from "../../app/permissions";
import type { Place } from "../../app/state";
import { clockTime, zoneName } from "../../app/time";
import type { Parameter, ParameterValue } from "../../remote/messages";
import type { ParameterChange } from "../../remote/robot";
import { type Descriptor, describe, descriptorText, hasDescriptions, misfit } from "../../ros/descriptors";
import { parameterText, parseParameter, sameParameter } from "../../ros/parameters";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";

/** Most rows that are shown; the search narrows them down. */
const MAX_ROWS = 300;

export default function ParametersPanel({ place, visible }: PanelProps) {
  const [filter, setFilter] = useState("");
  const refusal = refused(place, "parameters");
  useEffect(() => {
    if (visible && refusal === undefined) {
      place.robot.watchParameters();
    }
  }, [place.robot, visible, refusal]);
  const found = [...place.robot.parameters.values()]
    .filter(({ name }) => name.includes(filter))
    .sort((a, b) => a.name.localeCompare(b.name));
  const nodes = grouped(found.slice(0, MAX_ROWS));
  const descriptors = useDescriptors(place, nodes, visible);
  return (
    <div class="body parameters">
      {refusal !== undefined && <Hint>{refusal}</Hint>}
      <div class="row">
        <input
          type="search"
          placeholder="Find a parameter"
          aria-label="Find a parameter"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <small>{found.length}</small>
      </div>
      {[...nodes].map(([node, parameters]) => (
        <section key={node}>
          <h3>{node || "/"}</h3>
          <ul>
            {parameters.map((parameter) => (
              <Row
                key={parameter.name}
                place={place}
                parameter={parameter}
                descriptor={descriptors.get(parameter.name)}
                refusal={refusal}
              />
            ))}
          </ul>
        </section>
      ))}
      <Changes changes={place.robot.parameterChanges} />
      {found.length > MAX_ROWS && <Hint>{found.length - MAX_ROWS} more: search for what you need.</Hint>}
      {found.length === 0 && refusal === undefined && <Hint>No parameters{filter && " of that name"}.</Hint>}
    </div>
  );
}

/** What the nodes say about these parameters, asked once for each node and session, where services may be called. */
function useDescriptors(
  { robot, ...others }: Place,
  nodes: Map<string, Parameter[]>,
  visible: boolean,
): Map<string, Descriptor> {
  const [known, setKnown] = useState(new Map<string, Descriptor>());
  const asked = useRef(new Set<string>());
  const key = (node: string) => `${robot.info?.sessionId} ${node}`;
  const mayCall = visible && refused({ robot, ...others }, "services") === undefined;
  const wanted = mayCall
    ? [...nodes].filter(([node]) => !asked.current.has(key(node)) && hasDescriptions(robot, node))
    : [];
  useEffect(() => {
    for (const [node] of wanted) {
      asked.current.add(key(node));
      // All of the node: a search shows others later.
      const all = [...robot.parameters.values()].filter((each) => nodeOf(each) === node);
      const names = all.map(({ name }) => name.slice(node.length + 1));
      describe(robot, node, names).then(
        (found) =>
          setKnown((before) => {
            const after = new Map(before);
            for (const [name, descriptor] of found ?? []) {
              after.set(`${node}.${name}`, descriptor);
            }
            return after;
          }),
        // It is only an addition; what cannot be set is told when it is set.
        (error: unknown) => console.warn(`${node} does not describe its parameters:`, error),
      );
    }
  });
  return known;
}

/** What was changed while the page was open. */
function Changes({ changes }: { changes: ParameterChange[] }) {
  const since = Date.now() - performance.now();
  return changes.length === 0 ? null : (
    <details class="history">
      <summary>Changes: {changes.length}</summary>
      <ol>
        {changes.toReversed().map(({ name, from, to, atMs }) => (
          <li key={`${atMs} ${name}`}>
            <small>
              {clockTime(since + atMs)} {zoneName()}
            </small>{" "}
            {name}: {parameterText(from)} → {to === undefined ? "removed" : parameterText(to)}
          </li>
        ))}
      </ol>
    </details>
  );
}

function nodeOf({ name }: Parameter): string {
  return name.slice(0, Math.max(0, name.indexOf(".")));
}

function grouped(parameters: Parameter[]): Map<string, Parameter[]> {
  const groups = new Map<string, Parameter[]>();
  for (const parameter of parameters) {
    const node = nodeOf(parameter);
    groups.set(node, [...(groups.get(node) ?? []), parameter]);
  }
  return groups;
}

interface RowProps {
  place: Place;
  parameter: Parameter;
  descriptor: Descriptor | undefined;
  refusal: string | undefined;
}

function Row({ place, parameter, descriptor, refusal }: RowProps) {
  const id = useId();
  const [typed, setTyped] = useState<string>();
  const [state, setState] = useState<"idle" | "busy" | "done">("idle");
  const [problem, setProblem] = useState<string>();
  const name = parameter.name.slice(parameter.name.indexOf(".") + 1);
  const current = parameterText(parameter.value);
  const set = async (value: ParameterValue) => {
    setState("busy");
    setProblem(undefined);
    try {
      const wanted = { ...parameter, value };
      const answer = await place.robot.setParameter(wanted);
      const isTaken = answer !== undefined && sameParameter(answer.value, value);
      const keeps = `The robot keeps ${parameterText(answer?.value ?? parameter.value)}`;
      setProblem(isTaken ? undefined : keeps);
      setTyped(undefined);
      setState("done");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
      setState("idle");
    }
  };
  const submit = () => {
    if (typed === undefined) {
      return;
    }
    try {
      const value = parseParameter(parameter, typed);
      const problem = misfit(descriptor, value);
      if (problem === undefined) {
        void set(value);
      } else {
        setProblem(problem);
      }
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const isOff = refusal !== undefined || state === "busy" || descriptor?.isReadOnly === true;
  const reason = place.robot.statuses.get(`parameter-${parameter.name}`)?.message;
  return (
    <li class={state}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label for={id}>
          <span class="key" title={[parameter.name, descriptor?.description].filter(Boolean).join("\n")}>
            {name}
            {descriptor && <small>{descriptorText(descriptor)}</small>}
          </span>
          {typeof parameter.value === "boolean" ? (
            <input
              id={id}
              type="checkbox"
              name={parameter.name}
              checked={parameter.value}
              disabled={isOff}
              onChange={(event) => void set(event.currentTarget.checked)}
            />
          ) : (
            <input
              id={id}
              type="text"
              name={parameter.name}
              value={typed ?? current}
              disabled={isOff}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          )}
        </label>
        {typed !== undefined && typed !== current && (
          <button type="submit" class="primary" disabled={isOff}>
            Set
          </button>
        )}
      </form>
      <span class="problem" role="alert">
        {problem}
        {problem?.startsWith("The robot keeps") && reason !== undefined && ` (${reason})`}
      </span>
    </li>
  );
}
