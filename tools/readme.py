"""Hold the README to its word: python tools/readme.py command NAME | examples

``command NAME`` prints the shell command that follows the line ``<!-- command: NAME -->``; .ci/run runs it as it is
printed. ``examples`` runs every Python block, each in a namespace of its own.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def command(name):
    """The one-line command under the marker of that name."""
    pattern = rf"<!-- command: {re.escape(name)} -->\s*```\w*\n([^\n]+)\n```"
    matches = re.findall(pattern, README.read_text(encoding="utf-8"))
    if len(matches) != 1:
        raise SystemExit(f"README.md has {len(matches)} one-line commands under <!-- command: {name} -->; expected 1")
    return matches[0]


def run_examples():
    """Run the Python blocks in order; an error names the line of README.md where it happened."""
    text = README.read_text(encoding="utf-8")
    blocks = list(re.finditer(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE))
    for block in blocks:
        n_lines_before = text.count("\n", 0, block.start(1))
        exec(compile("\n" * n_lines_before + block[1], str(README), "exec"), {"__name__": "__main__"})
    print(f"{len(blocks)} examples of README.md ran")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["command", name]:
            print(command(name))
        case ["examples"]:
            run_examples()
        case _:
            raise SystemExit(__doc__)
