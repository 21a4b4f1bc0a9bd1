"""Time, memory and disk of a finished run, off its logs: pipeline.py results/digits"""

import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path

LINE = re.compile(
    r"\d (?P<rule>[a-z_]+)(?: \(.*\))? took (?P<seconds>[\d.]+) s, peak memory (?P<mib>\d+) MiB"
)


def main(results):
    figures = defaultdict(list)
    for log in sorted(Path(results, "logs").glob("**/*.log")):
        for match in LINE.finditer(log.read_text()):
            figures[match["rule"]].append((float(match["seconds"]), int(match["mib"])))
    print(f"{'rule':24}{'jobs':>6}{'median s':>10}{'sum s':>8}{'peak MiB':>10}")
    for rule, pairs in sorted(figures.items(), key=lambda item: -sum(s for s, _ in item[1])):
        seconds, mib = zip(*pairs, strict=True)
        print(
            f"{rule:24}{len(pairs):6}{statistics.median(seconds):10.1f}"
            f"{sum(seconds):8.0f}{max(mib):10}"
        )
    size = sum(path.stat().st_size for path in Path(results).glob("**/*") if path.is_file())
    print(f"\n{size / 1e6:.0f} MB in {results}")


if __name__ == "__main__":
    main(sys.argv[1])
