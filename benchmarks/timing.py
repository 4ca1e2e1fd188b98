"""What the benchmarks share: contenders timed in turn."""

import statistics
import time


def medians(contenders, repeats):
    """Median seconds of each contender, run in turn."""
    times = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}
