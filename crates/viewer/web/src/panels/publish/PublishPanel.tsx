/** Publishes a message of any type: one that the robot has a topic of, or one whose definition the user gives. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { shortType } from "../../app/format";
import { useDraft } from "../../app/hooks";
import { refused } from "../../app/permissions";
import type { Place } from "../../app/state";
import { useSetting } from "../../app/workspace";
import type { Channel } from "../../remote/channel";
import { encode, type MessageType, messageType } from "../../ros/schema";
import { emptyMessage, type Message } from "../../ros/template";
import { Fields } from "../Form";
import type { PanelProps } from "../panel";
import { Hint } from "../parts";

/** What of a channel a form needs. */
type Sample = Pick<Channel, "schemaName" | "schemaEncoding" | "schema">;

/** Stands for a type that the robot has no topic of. */
const OTHER = "other";

export default function PublishPanel({ place, spec }: PanelProps) {
  const { robot } = place;
  const refusal = refused(place, "clientPublish");
  const [topic, setTopic] = useSetting(spec, "topic", "");
  const [type, setType] = useSetting(spec, "type", "");
  const [otherName, setOtherName] = useSetting(spec, "other_name", "");
  const [definition, setDefinition] = useSetting(spec, "definition", "");
  const topicField = useDraft(topic, setTopic);
  const nameField = useDraft(otherName, setOtherName);
  const definitionField = useDraft(definition, setDefinition);
  const samples = new Map<string, Channel>();
  for (const channel of robot.channels.values()) {
    if (channel.encoding === "cdr" && !samples.has(channel.schemaName)) {
      samples.set(channel.schemaName, channel);
    }
  }
  const names = [...samples.keys()].sort();
  const given = robot.channel(topic)?.schemaName;
  const known = samples.get(given ?? type);
  // The robot may get the topic by this very publishing; what was filled in stays.
  const isOther = type === OTHER && (given === undefined || given === otherName);
  const sample: Sample | undefined =
    isOther && otherName !== ""
      ? { schemaName: otherName, schemaEncoding: "ros2msg", schema: definition }
      : known;
  return (
    <div class="body publish">
      {refusal !== undefined && <Hint>{refusal}</Hint>}
      <label class="field">
        <span>Topic</span>
        <input type="text" placeholder="/topic" list={`topics-${spec.id}`} {...topicField} />
        <datalist id={`topics-${spec.id}`}>
          {[...robot.channels.values()].map((channel) => (
            <option key={channel.topic} value={channel.topic} />
          ))}
        </datalist>
      </label>
      <label class="field">
        <span>Type</span>
        <select
          value={isOther ? OTHER : (known?.schemaName ?? "")}
          disabled={given !== undefined}
          onChange={(event) => setType(event.currentTarget.value)}
        >
          <option value="">Choose a type</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {shortType(name)}
            </option>
          ))}
          <option value={OTHER}>Another type …</option>
        </select>
      </label>
      {isOther && (
        <>
          <label class="field">
            <span>Name of the type</span>
            <input type="text" placeholder="package/msg/Type" {...nameField} />
          </label>
          <label class="field">
            <span>Definition, as in its .msg file</span>
            <textarea rows={4} placeholder="float64 x" {...definitionField} />
          </label>
        </>
      )}
      {sample && topic !== "" ? (
        <PublishForm
          key={`${topic} ${sample.schemaName} ${sample.schema}`}
          place={place}
          topic={topic}
          sample={sample}
          refusal={refusal}
        />
      ) : (
        <Hint>Name a topic and choose a type. The robot needs to have the type, too.</Hint>
      )}
    </div>
  );
}

interface FormProps {
  place: Place;
  topic: string;
  sample: Sample;
  refusal: string | undefined;
}

function PublishForm({ place, topic, sample, refusal }: FormProps) {
  const { robot } = place;
  const { schemaName, schemaEncoding, schema } = sample;
  const type = useMemo(() => parsed(sample), [sample]);
  const [message, setMessage] = useState<Message>(() => (type instanceof Error ? {} : emptyMessage(type)));
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [channel, setChannel] = useState<number>();
  const [count, setCount] = useState(0);
  const [failure, setFailure] = useState<string>();
  const isAllowed = refusal === undefined;
  useEffect(() => {
    if (!isAllowed) {
      return undefined;
    }
    // Open before anything is sent: what comes at once may find no listener.
    const id = robot.advertise({ topic, encoding: "cdr", schemaName, schemaEncoding, schema });
    setChannel(id);
    return () => robot.unadvertise(id);
  }, [robot, topic, schemaName, schemaEncoding, schema, isAllowed]);
  if (type instanceof Error) {
    return <Hint error>The message cannot be filled in: {type.message}</Hint>;
  }
  const report = (path: string, problem: string | undefined) =>
    setProblems(({ [path]: _, ...others }) =>
      problem === undefined ? others : { ...others, [path]: problem },
    );
  const send = () => {
    try {
      const isSent = channel !== undefined && robot.publish(channel, encode(type, message));
      setFailure(isSent ? undefined : "There is no connection to the robot.");
      setCount(count + (isSent ? 1 : 0));
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  };
  const refusedChannel =
    channel === undefined ? undefined : robot.statuses.get(`client-channel-${channel}`)?.message;
  return (
    <form
      class="message"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Fields type={type} fields={type.fields} value={message} change={setMessage} report={report} path="" />
      {type.fields.length === 0 && <Hint>The message has no fields.</Hint>}
      <button
        type="submit"
        class="primary"
        title={refusal}
        disabled={!isAllowed || Object.keys(problems).length > 0}
      >
        Publish
      </button>
      <output class={failure === undefined ? "" : "error"} aria-live="polite">
        {refusedChannel ??
          failure ??
          (count > 0 ? `Published ${count === 1 ? "once" : `${count} times`}` : "")}
      </output>
    </form>
  );
}

function parsed(sample: Sample): MessageType | Error {
  try {
    return messageType(sample);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
