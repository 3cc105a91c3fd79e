/**
 * End-to-end encryption of a room's data, as LiveKit's SDKs do it: AES-128-GCM with a key that PBKDF2 makes of
 * a text that robot and viewers share. The SDK's own implementation is a worker of 100 kB that tells nobody of a wrong key.
 */
import type { BaseE2EEManager } from "livekit-client";

const SALT = new TextEncoder().encode("LKFrameEncryptionKey");
const ROUNDS = 100_000;
const IV_BYTES = 12;
/** The SDKs keep several keys; ours is the first. */
const KEY_INDEX = 0;
/** `Encryption_Type.GCM` of the protocol. */
const GCM = 1;

/** Why a participant's data cannot be read. */
export type KeyProblem = "missing" | "wrong" | "unencrypted";

const PROBLEMS: Record<KeyProblem, { state: string; text: string }> = {
  missing: {
    state: "No key",
    text: "The robot encrypts its data end to end, and this link has no key. Ask whoever gave it to you for one that has.",
  },
  wrong: {
    state: "Wrong key",
    text: "The robot encrypts its data with another key than this link's. Ask whoever gave it to you for a new one.",
  },
  unencrypted: {
    state: "Not encrypted",
    text: "The robot does not encrypt its data, as this link demands. Set LIVEKIT_E2EE_KEY on the robot.",
  },
};

/** What people are told of a problem: in two words, and what to do about it. */
export function describeKeyProblem(problem: KeyProblem): { state: string; text: string } {
  return PROBLEMS[problem];
}

type Bytes = Uint8Array<ArrayBuffer>;

export class RoomEncryption implements BaseE2EEManager {
  isEnabled = false;
  isDataChannelEncryptionEnabled = false;

  #key: Promise<CryptoKey> | undefined;
  #tell: (identity: string, problem: KeyProblem) => void;

  /** Without a key it only tells whose data cannot be read. */
  constructor(key: string | undefined, tell: (identity: string, problem: KeyProblem) => void) {
    this.#tell = tell;
    if (key !== undefined) {
      this.#key = derive(key);
      // Whoever uses it first is told.
      this.#key.catch(() => {});
    }
  }

  /** Whether data of this kind of encryption may be read: everything without a key, else what was encrypted. */
  accepts(identity: string, encryption: number): boolean {
    const isAccepted = this.#key === undefined || encryption === GCM;
    if (!isAccepted) {
      this.#tell(identity, "unencrypted");
    }
    return isAccepted;
  }

  async encryptData(data: Bytes) {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const key = await this.#key;
    if (!key) {
      throw new Error("there is no key to encrypt with");
    }
    const payload = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, data));
    return { payload, iv, keyIndex: KEY_INDEX, uuid: "" };
  }

  async handleEncryptedData(data: Bytes, iv: Bytes, identity: string, keyIndex: number) {
    const key = await this.#key;
    if (!key) {
      this.#tell(identity, "missing");
      throw new Error("there is no key to decrypt with");
    }
    try {
      const payload = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, data));
      return { payload, iv, keyIndex, uuid: "" };
    } catch (error) {
      this.#tell(identity, "wrong");
      throw error;
    }
  }

  // Media are not used, and nobody asks for events.
  setup(): void {}
  setupEngine(): void {}
  setParticipantCryptorEnabled(): void {}
  setSifTrailer(): void {}
  on(): this {
    return this;
  }
}

async function derive(text: string): Promise<CryptoKey> {
  if (!globalThis.crypto?.subtle) {
    throw new Error("browsers decrypt only on pages from https:// or this computer");
  }
  const secret = new TextEncoder().encode(text);
  const material = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
  const derivation = { name: "PBKDF2", hash: "SHA-256", salt: SALT, iterations: ROUNDS };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 128 }, false, [
    "encrypt",
    "decrypt",
  ]);
}
