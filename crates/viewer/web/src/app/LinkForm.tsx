/** Asks for another link where the one that opened the page is good for nothing. */
import { useState } from "preact/hooks";
import { rememberLink } from "../remote/config";
import { connect } from "./state";

export function LinkForm() {
  const [link, setLink] = useState("");
  const [problem, setProblem] = useState<string>();
  const submit = () => {
    const given = rememberLink(link.trim());
    if (given) {
      void connect(given);
    } else {
      setProblem("A link such as https://…/#url=wss://…&token=… is needed.");
    }
  };
  return (
    <form
      class="link-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="field">
        <span>New link</span>
        <input
          // A link opens the robot to whoever reads it over the shoulder.
          type="password"
          autocomplete="off"
          required
          value={link}
          onInput={(event) => setLink(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Connect
      </button>
      <p class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
