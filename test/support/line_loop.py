"""Runs code that comes line by line, for processes that tests drive.

Each line of standard input is a JSON string of Python code. What the code assigns to `result` comes
back as one line of JSON: {"ok": result} or {"error": text}.
"""

import json
import sys
import traceback
from typing import Any


def run_lines(scope: dict[str, Any]) -> None:
    """Answers lines until the input ends. The code sees what is in `scope`, and what earlier code left there."""
    for line in sys.stdin:
        scope["result"] = None
        try:
            exec(json.loads(line), scope)
            answer = {"ok": scope["result"]}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)
