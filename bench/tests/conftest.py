"""Makes the benchmark's packages importable, and those of the demo that they use, wherever pytest is started."""

import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BENCH), str(BENCH.parent / "demo")]
