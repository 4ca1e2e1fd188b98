"""Fail when tests that matter were skipped: python tools/check_ran.py REPORT.xml WORD...

Array-API checks skip, and everything stays green, where PyTorch is missing or SCIPY_ARRAY_API is not set. REPORT.xml
is what ``pytest --junit-xml`` wrote. For each WORD, "torch" say, some test with that word in its name has to have
run; and no test may have been skipped because a package or that variable was missing.
"""

import re
import sys
import xml.etree.ElementTree as ET

MISSING = re.compile(
    r"SCIPY_ARRAY_API|could not import '(torch|array_api_\w+)'|(torch|array_api_\w+) is not installed", re.IGNORECASE
)


def main(report, *words):
    """Exit status: 0 when everything asked for ran."""
    ran, problems = [], []
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if skipped is None:
            ran.append(name)
        elif MISSING.search(f"{skipped.get('message')} {skipped.text}"):
            problems.append(f"skipped: {name}: {skipped.get('message')}")
    for word in words:
        n_ran = sum(word in name for name in ran)
        print(f"{n_ran} tests with {word!r} in their name ran")
        if not n_ran:
            problems.append(f"no test with {word!r} in its name ran")
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
