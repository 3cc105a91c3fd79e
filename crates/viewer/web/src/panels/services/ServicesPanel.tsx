/** Calls the robot's services. */
import { useMemo, useState } from "preact/hooks";
import { duration, shortType } from "../../app/format";
import { refused } from "../../app/permissions";
import type { Place } from "../../app/state";
import { clockTime, zoneName } from "../../app/time";
import type { ServiceInfo } from "../../remote/messages";
import { decoderFor, encode, type MessageType, messageType } from "../../ros/schema";
import { emptyMessage, type Message, toJson } from "../../ros/template";
import { Fields } from "../Form";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";

/** Services that every node has; few people look for them. */
const HOUSEKEEPING =
  /\/(describe_parameters|get_parameter_types|get_parameters|list_parameters|set_parameters|set_parameters_atomically|get_type_description|get_logger_levels|set_logger_levels)$/;

export default function ServicesPanel({ place, spec }: PanelProps) {
  const [filter, setFilter] = useState("");
  const [selected, setSelected] = useState<string | undefined>(spec.topic);
  const [all, setAll] = useState(false);
  const services = [...place.robot.services.values()]
    .filter(({ name, type }) => (all || !HOUSEKEEPING.test(name)) && `${name} ${type}`.includes(filter))
    .sort((a, b) => a.name.localeCompare(b.name));
  const refusal = refused(place, "services");
  const service = services.find((each) => each.name === selected) ?? services[0];
  return (
    <div class="body services">
      {refusal !== undefined && <Hint>{refusal}</Hint>}
      <div class="row">
        <input
          type="search"
          placeholder="Find a service"
          aria-label="Find a service"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <label>
          <input type="checkbox" checked={all} onChange={() => setAll(!all)} /> all
        </label>
      </div>
      <select
        aria-label="Service"
        value={service?.name}
        disabled={services.length === 0}
        onChange={(event) => setSelected(event.currentTarget.value)}
      >
        {services.map(({ name, type }) => (
          <option key={name} value={name}>
            {name} · {shortType(type)}
          </option>
        ))}
      </select>
      {service ? (
        <ServiceForm
          key={`${service.id} ${service.request.schema}`}
          place={place}
          service={service}
          refusal={refusal}
        />
      ) : (
        refusal === undefined && <Hint>The robot offers no service{filter && " of that name"}.</Hint>
      )}
    </div>
  );
}

interface FormProps {
  place: Place;
  service: ServiceInfo;
  refusal: string | undefined;
}

interface Outcome {
  id: number;
  /** Milliseconds since 1970 on this computer. */
  atMs: number;
  request: string;
  text: string;
  isError: boolean;
  tookMs: number;
}

/** Calls that are kept. */
const MAX_OUTCOMES = 20;

function ServiceForm({ place, service, refusal }: FormProps) {
  const type = useMemo(() => parsed(service), [service]);
  const [request, setRequest] = useState<Message>(() => (type instanceof Error ? {} : emptyMessage(type)));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [isCalling, setCalling] = useState(false);
  const [outcomes, setOutcomes] = useState<Outcome[]>([]);
  const [outcome, ...earlier] = outcomes;
  if (type instanceof Error) {
    return <Hint error>The request cannot be filled in: {type.message}</Hint>;
  }
  const report = (path: string, problem: string | undefined) =>
    setProblems(({ [path]: _, ...others }) =>
      problem === undefined ? others : { ...others, [path]: problem },
    );
  const call = async () => {
    const [began, atMs] = [performance.now(), Date.now()];
    setCalling(true);
    const end = (text: string, isError: boolean) => {
      const tookMs = performance.now() - began;
      setOutcomes((all) => [
        { id: (all[0]?.id ?? 0) + 1, atMs, request: toJson(request), text, isError, tookMs },
        ...all.slice(0, MAX_OUTCOMES - 1),
      ]);
    };
    try {
      const answer = await place.robot.call(service, encode(type, request));
      const response = decoderFor({ ...service.response, encoding: answer.encoding })(answer.payload);
      end(toJson(response), false);
    } catch (error) {
      end(error instanceof Error ? error.message : String(error), true);
    } finally {
      setCalling(false);
    }
  };
  return (
    <form
      class="message"
      onSubmit={(event) => {
        event.preventDefault();
        void call();
      }}
    >
      <Fields type={type} fields={type.fields} value={request} change={setRequest} report={report} path="" />
      {type.fields.length === 0 && <Hint>The request has no fields.</Hint>}
      <button
        type="submit"
        class="primary"
        title={refusal}
        disabled={refusal !== undefined || isCalling || Object.keys(problems).length > 0}
      >
        {isCalling ? "Calling …" : "Call"}
      </button>
      <output class={outcome?.isError ? "response error" : "response"} aria-live="polite">
        {outcome && (
          <>
            <small>
              {outcome.isError ? "failed" : "answered"} after {duration(outcome.tookMs)}
            </small>
            <pre>{outcome.text}</pre>
          </>
        )}
      </output>
      {earlier.length > 0 && (
        <details class="history">
          <summary>Earlier calls: {earlier.length}</summary>
          {earlier.map(({ id, atMs, request: asked, text, isError, tookMs }) => (
            <details key={id}>
              <summary>
                {clockTime(atMs)} {zoneName()} {isError ? "failed" : "answered"} after {duration(tookMs)}
              </summary>
              <pre>{asked}</pre>
              <pre class={isError ? "error" : ""}>{text}</pre>
            </details>
          ))}
        </details>
      )}
    </form>
  );
}

function parsed(service: ServiceInfo): MessageType | Error {
  try {
    if (service.request.encoding !== "cdr") {
      throw new Error(`this page cannot write ${service.request.encoding} messages`);
    }
    return messageType(service.request);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
