import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, pbkdf2Sync } from "node:crypto";
import { test } from "node:test";
import { RoomEncryption } from "../src/remote/encryption";

const KEY = "a key of the room";
const IV = new Uint8Array(12).fill(3);
const NONE = 0;
const GCM = 1;

/** What LiveKit's other SDKs make of a key. */
const derived = pbkdf2Sync(KEY, "LKFrameEncryptionKey", 100_000, 16, "sha256");

function encrypt(text: string): Uint8Array<ArrayBuffer> {
  const cipher = createCipheriv("aes-128-gcm", derived, IV);
  return Uint8Array.from(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
}

function withKey(key: string | undefined): [RoomEncryption, string[]] {
  const told: string[] = [];
  return [new RoomEncryption(key, (identity, problem) => told.push(`${identity}: ${problem}`)), told];
}

test("it reads what other implementations encrypt, and they read what it encrypts", async () => {
  const [encryption, told] = withKey(KEY);
  const opened = await encryption.handleEncryptedData(encrypt("secret"), IV, "robot", 0);
  assert.equal(Buffer.from(opened.payload).toString(), "secret");
  const { payload, iv, keyIndex } = await encryption.encryptData(Uint8Array.from(Buffer.from("answer")));
  const decipher = createDecipheriv("aes-128-gcm", derived, iv);
  decipher.setAuthTag(payload.subarray(-16));
  assert.equal(`${decipher.update(payload.subarray(0, -16))}${decipher.final()}`, "answer");
  assert.equal(keyIndex, 0);
  const again = await encryption.encryptData(new Uint8Array(1));
  assert.notDeepEqual(again.iv, iv, "never twice the same");
  assert.deepEqual(told, []);
});

test("whoever has another key, or none, is told so", async () => {
  const [wrong, toldWrong] = withKey("another key of it");
  await assert.rejects(wrong.handleEncryptedData(encrypt("secret"), IV, "robot", 0));
  assert.deepEqual(toldWrong, ["robot: wrong"]);
  const [none, toldNone] = withKey(undefined);
  await assert.rejects(none.handleEncryptedData(encrypt("secret"), IV, "robot", 0));
  assert.deepEqual(toldNone, ["robot: missing"]);
  assert.ok(none.accepts("robot", NONE));
});

test("with a key nothing is accepted that was not encrypted", () => {
  const [encryption, told] = withKey(KEY);
  assert.ok(encryption.accepts("robot", GCM));
  assert.ok(!encryption.accepts("robot", NONE));
  assert.deepEqual(told, ["robot: unencrypted"]);
});
