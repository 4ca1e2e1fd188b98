"""What the benchmarks share: contenders timed in turn, goals said to be met or missed, tasks chosen by name."""

import argparse
import statistics
import time

from threadpoolctl import threadpool_limits


def say(text, met=None):
    """Print a line, and whether its goal is met."""
    print(text + ("" if met is None else "   goal met" if met else "   goal MISSED"), flush=True)


def run_tasks(description, parts):
    """Run the tasks named on the command line, all when none is; a part is a module with a dict TASKS of functions."""
    tasks = {name: task for part in parts for name, task in part.TASKS.items()}
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*tasks, []], default=[])
    parser.add_argument("--threads", type=int, default=1, help="threads of the BLAS")
    parser.add_argument("--repeats", type=int, default=5, help="repeats of what is timed")
    parser.add_argument("--mnist", help="npz file with the images X and labels y of MNIST")
    options = parser.parse_args()
    with threadpool_limits(options.threads):
        for name in options.tasks or tasks:
            tasks[name](options)


def medians(contenders, repeats):
    """Median seconds of each contender, run in turn."""
    times = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}
