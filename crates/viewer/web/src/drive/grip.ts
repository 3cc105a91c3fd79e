/** What holds the pad: keys and a pointer. What was let go for another reason must be pressed anew. */

/** Part of full speed ahead and to the left turn, -1 to 1. */
export interface Stick {
  ahead: number;
  turn: number;
}

/** What of a keyboard event matters here. */
export type Key = Pick<KeyboardEvent, "type" | "code" | "repeat" | "ctrlKey" | "metaKey" | "altKey">;

const KEYS: Record<string, Stick> = {
  ArrowUp: { ahead: 1, turn: 0 },
  ArrowDown: { ahead: -1, turn: 0 },
  ArrowLeft: { ahead: 0, turn: 1 },
  ArrowRight: { ahead: 0, turn: -1 },
  KeyW: { ahead: 1, turn: 0 },
  KeyS: { ahead: -1, turn: 0 },
  KeyA: { ahead: 0, turn: 1 },
  KeyD: { ahead: 0, turn: -1 },
};

function isShortcut(event: Key): boolean {
  return event.ctrlKey || event.metaKey || event.altKey;
}

export class Grip {
  #keys = new Set<string>();
  #pointer: number | undefined;

  /**
   * Takes a key. It says whether the key was one for the pad, and not part of a shortcut. A shortcut
   * lets go of all keys: while the Command key is down no other key tells that it came up.
   */
  key(event: Key): boolean {
    if (event.type === "keyup") {
      return this.#keys.delete(event.code);
    }
    if (isShortcut(event)) {
      const held = this.#keys.size > 0;
      this.#keys.clear();
      return held;
    }
    // A repeated key that is not held was let go for it: by a shortcut, or as the focus or the page went.
    if (!(event.code in KEYS) || (event.repeat && !this.#keys.has(event.code))) {
      return false;
    }
    this.#keys.add(event.code);
    return true;
  }

  /** Whether a key does something else when the pad has the focus, such as to scroll the page. */
  owns(event: Key): boolean {
    return event.code in KEYS && !isShortcut(event);
  }

  press(pointer: number): void {
    this.#pointer = pointer;
  }

  isHeldBy(pointer: number): boolean {
    return this.#pointer === pointer;
  }

  /** Whether a key or a pointer holds. */
  get isHeld(): boolean {
    return this.#keys.size > 0 || this.#pointer !== undefined;
  }

  /** Lets go of everything. */
  release(): void {
    this.#keys.clear();
    this.#pointer = undefined;
  }

  /** Where the keys hold the stick. */
  get keys(): Stick | undefined {
    if (this.#keys.size === 0) {
      return undefined;
    }
    let [ahead, turn] = [0, 0];
    for (const key of this.#keys) {
      ahead += KEYS[key]?.ahead ?? 0;
      turn += KEYS[key]?.turn ?? 0;
    }
    return { ahead: Math.sign(ahead), turn: Math.sign(turn) };
  }
}
