"""Many random programs, each held against what running it constructs.

    cd tests; python -m tools.programs --count 20000 --seed 1 [--kind pytorch] [--live] [--show WRONG] [--most 10]

Prints the programs that get the verdict of `--show`, as small as they become, and how many got which verdict.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tools.programs.kinds import CELLS, KINDS, verdict_on
from tools.programs.shrink import shrunk
from tools.programs.verdicts import Verdict


def main() -> int:
    """Judge the programs of a range of seeds; exit code 1 if something is said that is false."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1, help="of the first program")
    parser.add_argument("--kind", choices=[*KINDS, *CELLS], default="pytorch")
    parser.add_argument("--show", default="WRONG,CRASH,denied")
    parser.add_argument("--most", type=int, default=10, help="programs that are shown")
    parser.add_argument("--live", action="store_true", help="run them with the libraries themselves")
    parser.add_argument("--whole", action="store_true", help="show them as they are")
    asked = parser.parse_args()
    verdicts: Counter[str] = Counter()
    slowest = (0.0, 0)
    shown = 0
    with tempfile.TemporaryDirectory() as home:
        for seed in range(asked.seed, asked.seed + asked.count):
            code = {**KINDS, **CELLS}[asked.kind].make(seed)
            start = time.perf_counter()
            verdict = verdict_on(code, asked.kind, Path(home), live=asked.live)
            slowest = max(slowest, (time.perf_counter() - start, seed))
            verdicts[verdict.word] += 1
            if verdict.word in asked.show.split(",") and shown < asked.most:
                shown += 1
                _show(code, seed, verdict, asked, Path(home))
    total = sum(verdicts.values()) - verdicts["nonsense"]
    print(
        ", ".join(f"{word} {count} ({count / max(total, 1):.1%})" for word, count in verdicts.most_common()),
        f"of {total}",
    )
    print(f"slowest, with its runs: {slowest[0]:.1f} s, seed {slowest[1]}")
    return 1 if verdicts["WRONG"] + verdicts["CRASH"] + verdicts["denied"] else 0


def _show(code: str, seed: int, verdict: Verdict, asked: Any, folder: Path) -> None:
    def still(smaller: str) -> bool:
        return verdict_on(smaller, asked.kind, folder, live=asked.live).word == verdict.word

    small = code if asked.whole else shrunk(code, still)
    final = verdict_on(small, asked.kind, folder, live=asked.live)
    print(f"--- seed {seed}: {final.word}: {final.text}\n{small.strip()}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
