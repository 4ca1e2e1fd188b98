"""What an installation takes on disk: python tools/install_sizes.py

For skamem itself and for each of its extras that is installed here: how many packages it brings beyond those that
skamem always needs, and the size of their files. docs/install.rst quotes these numbers.
"""

import re
from importlib.metadata import PackageNotFoundError, distribution

EXTRAS = ["plot", "progress", "dask", "io", "cuda12", "cuda13", "test", "docs"]


def requirements(name, extra=None):
    """Names of the packages that a package asks for here, with those of one of its extras."""
    for line in distribution(name).requires or ():
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        wanted = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
        if (wanted[1] != extra) if wanted else not _holds(marker):
            continue
        package, brackets = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", requirement).groups()
        yield package, (brackets or "").split(",")


def _holds(marker):
    """Whether a marker that names no extra is true of this interpreter."""
    from packaging.markers import Marker

    return not marker or Marker(marker).evaluate()


def closure(name, extras=(), found=None):
    """All packages that an installation brings, as normalised names; one that is missing is marked by a minus."""
    found = {} if found is None else found
    for extra in [None, *filter(None, extras)]:
        if (name, extra) in found:
            continue
        found[name, extra] = True
        try:
            needed = list(requirements(name, extra))
        except PackageNotFoundError:
            found[f"-{name}", None] = True
            continue
        for package, brackets in needed:
            closure(re.sub(r"[-_.]+", "-", package).lower(), brackets, found)
    return {package for package, _ in found}


def megabytes(name):
    """Size of the installed files of a package."""
    files = distribution(name).files or ()
    return sum(file.locate().stat().st_size for file in files if file.locate().is_file()) / 1e6


def main():
    base = closure("skamem")
    print(f"{'':10}{'packages':>10}{'MB':>8}")
    print(f"{'skamem':10}{len(base) - 1:10}{sum(map(megabytes, base - {'skamem'})):8.0f}")
    for extra in EXTRAS:
        added = closure("skamem", [extra]) - base
        missing = sorted(name[1:] for name in added if name.startswith("-"))
        if missing:
            print(f"{extra:10}not installed here: {', '.join(missing)}")
        else:
            print(f"{extra:10}{len(added):10}{sum(map(megabytes, added)):8.0f}")
    try:
        torch = closure("torch") - base
        print(f"{'torch':10}{len(torch):10}{sum(megabytes(name) for name in torch if name[0] != '-'):8.0f}")
    except PackageNotFoundError:
        print("torch     not installed here")


if __name__ == "__main__":
    main()
