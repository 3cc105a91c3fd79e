"""A process with the Foxglove SDK that runs the code it is sent.

Each line of standard input is a JSON string of Python code. What the code assigns to `result` comes
back as one line of JSON: {"ok": result} or {"error": text}.
"""

import json
import os
import sys
import traceback

import foxglove


def main() -> None:
    """Answers lines until the input ends."""
    scope = {"foxglove": foxglove}
    for line in sys.stdin:
        scope["result"] = None
        try:
            exec(json.loads(line), scope)
            answer = {"ok": scope["result"]}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)
    # The SDK's threads may take long to end; nothing of this process is wanted any more.
    os._exit(0)


if __name__ == "__main__":
    main()
