import assert from "node:assert/strict";
import { test } from "node:test";
import { describeFailure, needsNewLink } from "../src/remote/failure";

const claims = Buffer.from(JSON.stringify({ exp: 1000, video: { room: "r" } })).toString("base64url");
const TOKEN = `eyJhbGciOiJIUzI1NiJ9.${claims}.signature`;
const credentials = { url: `wss://host:7880/?access_token=${TOKEN}`, token: TOKEN, room: "r" };

/** An error as `livekit-client` makes them. */
function failure(message: string, reason?: number): Error {
  return Object.assign(new Error(message), { reason });
}

test("an expired link is called so, with what to do", () => {
  const by = (error: Error, nowMs: number) => describeFailure(error, credentials, nowMs);
  const quoted = failure(`invalid token: ${TOKEN}, error: validation failed, token is expired (exp)`, 0);
  for (const text of [by(quoted, 0), by(failure("no", 0), 1_000_000)]) {
    assert.match(text, /^This link has expired\. Ask .* for a new one/);
    assert.equal(needsNewLink(text), true);
  }
  // Not because it is late, but because the server is away.
  assert.match(by(failure("x", 1), 2_000_000), /cannot be reached/);
  assert.equal(needsNewLink(by(failure("x", 1), 2_000_000)), false);
  assert.equal(needsNewLink(undefined), false);
});

test("no failure shows the token or what the server says", () => {
  for (const reason of [0, 1, 2, 3, 4, 5, 6, 7, 99, undefined]) {
    const text = describeFailure(failure(`secret invalid token: ${TOKEN}`, reason), credentials, 0);
    assert.match(text, /^cannot connect to wss:\/\/host:7880: /);
    for (const part of [...TOKEN.split("."), "secret", "access_token"]) {
      assert.equal(text.includes(part), false, text);
    }
  }
  assert.match(
    describeFailure("what", { ...credentials, url: "nowhere" }, 0),
    /^cannot connect to the server/,
  );
});
