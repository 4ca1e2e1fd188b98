"""Labels of one kind, numbers or strings: of others NumPy makes strings, or fails where it sorts them."""

import numbers

__all__ = ["check_one_kind", "is_missing"]


def check_one_kind(labels):
    """Raise unless labels are all numbers or all strings.

    Parameters
    ----------
    labels : list
        Of any types.

    Raises
    ------
    TypeError
        For labels of both kinds, or of neither.
    ValueError
        For missing ones.
    """
    unknown, found = [], {}
    for row, label in enumerate(labels):
        entry = label.item() if hasattr(label, "item") else label  # of NumPy's numbers, and NaT, that of Python
        if is_missing(entry):
            unknown.append(row)
        elif isinstance(entry, str):
            found.setdefault("string", entry)
        elif isinstance(entry, numbers.Number):
            found.setdefault("number", entry)
        else:
            raise TypeError(
                f"y has the label {label!r} of type {type(label).__name__}; expected numbers or strings. Make strings "
                "of them: [str(label) for label in y]."
            )
    if len(found) > 1:
        raise TypeError(
            f"y mixes labels that have no order: {found['number']!r} and {found['string']!r}. Give all as numbers or "
            "all as strings."
        )
    if unknown:
        raise ValueError(
            f"y has rows without a label, {len(unknown)} of {len(labels)}, the first {labels[unknown[0]]!r} in row "
            f"{unknown[0]}; expected a number or a string in each. Leave these rows out of X and y, or name them."
        )


def is_missing(value):
    """Whether a Python value stands for none: None, NaN, or pandas' NA and NaT.

    Parameters
    ----------
    value : object

    Returns
    -------
    missing : bool
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, numbers.Number) and value != value
