/** Asks for server and token, where nothing else told them. */
import { useState } from "preact/hooks";
import { rememberConnection } from "../remote/config";
import { configError, connect, wayBack } from "./state";

export function ConnectForm({ isLoading }: { isLoading: boolean }) {
  const [url, setUrl] = useState("");
  const [token, setToken] = useState("");
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState<string>();
  if (isLoading && configError.value === undefined) {
    return <main class="empty" aria-busy="true" />;
  }
  const submit = () => {
    if (!/^wss?:\/\//.test(url.trim())) {
      setProblem("The address begins with wss:// or ws://.");
      return;
    }
    const config = rememberConnection(url.trim(), token.trim(), key.trim());
    if (config) {
      void connect(config);
    }
  };
  return (
    <main class="empty">
      <form
        class="connect"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <h2>{wayBack.value ? "Disconnected" : "Connect to a robot"}</h2>
        {wayBack.value && (
          <>
            <button type="button" class="primary" onClick={wayBack.value}>
              Connect again
            </button>
            <p class="hint">Or connect to another robot:</p>
          </>
        )}
        {configError.value !== undefined && (
          <p class="hint error" role="alert">
            {configError.value}
          </p>
        )}
        <label class="field">
          <span>LiveKit server</span>
          <input
            type="text"
            name="url"
            required
            placeholder="wss://livekit.example.com"
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Access token</span>
          <input
            type="password"
            name="token"
            required
            autocomplete="off"
            placeholder="eyJ…"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Encryption key, if the robot has one</span>
          <input
            type="password"
            name="key"
            autocomplete="off"
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        <p class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="primary">
          Connect
        </button>
        <p class="hint">
          A link can carry all of it: <code>#url=wss://…&amp;token=…&amp;key=…</code>. It stays in this tab.
          The token goes to the LiveKit server, the key to nobody.
        </p>
      </form>
    </main>
  );
}
