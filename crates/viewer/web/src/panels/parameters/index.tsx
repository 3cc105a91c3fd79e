/** The robot's parameters, by node. */
import { useEffect, useId, useState } from "preact/hooks";
import { PATHS } from "../../app/icons";
import { refused } from "../../app/permissions";
import type { Place } from "../../app/state";
import type { Parameter, ParameterValue } from "../../remote/messages";
import { parameterText, parseParameter, sameParameter } from "../../ros/parameters";
import type { PanelProps, PanelType } from "../panel";
import { Hint } from "../parts";

export const parameters: PanelType = {
  title: "Parameters",
  icon: PATHS.parameters,
  isAddable: true,
  Body: ParametersPanel,
};

/** Most rows that are shown; the search narrows them down. */
const MAX_ROWS = 300;

function ParametersPanel({ place, visible }: PanelProps) {
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
              <Row key={parameter.name} place={place} parameter={parameter} refusal={refusal} />
            ))}
          </ul>
        </section>
      ))}
      {found.length > MAX_ROWS && <Hint>{found.length - MAX_ROWS} more: search for what you need.</Hint>}
      {found.length === 0 && refusal === undefined && <Hint>No parameters{filter && " of that name"}.</Hint>}
    </div>
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
  refusal: string | undefined;
}

function Row({ place, parameter, refusal }: RowProps) {
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
      setProblem(isTaken ? undefined : `The robot keeps ${parameterText(answer?.value ?? parameter.value)}.`);
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
      void set(parseParameter(parameter, typed));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  const isOff = refusal !== undefined || state === "busy";
  return (
    <li class={state}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label for={id}>
          <span class="key" title={parameter.name}>
            {name}
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
      </span>
    </li>
  );
}
