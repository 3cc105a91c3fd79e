"""A process with the Foxglove SDK that runs the code it is sent, see line_loop.py."""

import os

import foxglove

from line_loop import run_lines


def main() -> None:
    """Answers lines until the input ends."""
    run_lines({"foxglove": foxglove})
    # The SDK's threads may take long to end; nothing of this process is wanted any more.
    os._exit(0)


if __name__ == "__main__":
    main()
