/** Topics by namespace. */

export interface Namespace {
  /** Its full name, such as `/camera/front`. */
  path: string;
  /** What it is called within the one above it. */
  label: string;
  /** How many topics are in it and below. */
  count: number;
  children: TopicNode[];
}

export interface TopicLeaf {
  topic: string;
  label: string;
}

export type TopicNode = Namespace | TopicLeaf;

export function isNamespace(node: TopicNode): node is Namespace {
  return "children" in node;
}

/**
 * Namespaces with two topics or more, and topics. What is below a topic, as `/image/compressed` below
 * `/image`, stays beside it.
 */
export function topicTree(topics: string[], path = ""): TopicNode[] {
  const known = new Set(topics);
  const buckets = new Map<string, string[]>();
  for (const topic of [...topics].sort((a, b) => a.localeCompare(b))) {
    const end = topic.indexOf("/", path.length + 1);
    const namespace = end < 0 ? topic : topic.slice(0, end);
    buckets.set(namespace, [...(buckets.get(namespace) ?? []), topic]);
  }
  return [...buckets].flatMap(([namespace, inside]): TopicNode[] => {
    if (inside.length < 2 || known.has(namespace)) {
      return inside.map((topic) => ({ topic, label: labelOf(topic, path) }));
    }
    const children = topicTree(inside, namespace);
    const [only] = children;
    if (children.length === 1 && only && isNamespace(only)) {
      return [{ ...only, label: labelOf(only.path, path) }];
    }
    return [{ path: namespace, label: labelOf(namespace, path), count: inside.length, children }];
  });
}

/** The name as it is on the top level, else without what is above it. */
function labelOf(name: string, path: string): string {
  return path === "" ? name : name.slice(path.length + 1);
}

/** A name in two parts: what may be cut off at its end, and the end that must be seen. */
export function splitName(name: string, tail = 14): [string, string] {
  const slash = name.lastIndexOf("/");
  const at = name.length - slash <= 2 * tail ? Math.max(0, slash) : name.length - tail;
  return name.length <= 2 * tail ? [name, ""] : [name.slice(0, at), name.slice(at)];
}
