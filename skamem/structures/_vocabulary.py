"""Vocabulary: a random vector for each symbol, and records of symbols, nested ones too, in one vector."""

import hashlib
import numbers
from collections.abc import Hashable, Mapping

import numpy as np
from scipy.special import ndtri
from sklearn.utils import check_random_state

from skamem.core.binding import bind, bundle, permute, random_keys, resolve_algebra, similarity, unbind
from skamem.core.parameters import COUNT, RandomState
from skamem.core.validation import check_number, type_of

__all__ = ["Vocabulary"]


class Vocabulary:
    """Random vectors for symbols, and records of them: roles bound to fillers, superposed in one vector.

    Parameters
    ----------
    n_units : int, default=1024
        Length of the vectors; the longer, the more a record holds (`skamem.analysis.holographic_accuracy`).
    algebra : {"hrr", "fhrr", "map"} or Algebra, default="hrr"
        See `skamem.core.binding`.
    random_state : int, RandomState instance or None, default=None
        Draws the vectors. Under one integer a symbol has the same vector whenever it is first met.

    Attributes
    ----------
    symbols : list
        What fills roles, in the order met: a query answers with one of them.
    roles : list of str
        Names of roles, in the order met.
    vectors : ndarray of shape (n_symbols, n_units)
        Those of the symbols: unitary, so of length 1 under "hrr".

    See Also
    --------
    skamem.HolographicMemory : The same for arrays of keys and values.

    Notes
    -----
    A record is the sum of its bound pairs, Σ role ⊛ filler; a record that fills a role counts as much as a symbol, and
    in a list each entry is shifted (`permute`) by its place, from 1 on. What is read back has noise from all other
    parts of the record, so that it is the best of the known symbols that is told, if it is more than chance.

    References
    ----------
    Plate (1995), Holographic reduced representations, IEEE Transactions on Neural Networks 6:623.

    Examples
    --------
    >>> from skamem.structures import Vocabulary
    >>> words = Vocabulary(random_state=0)
    >>> record = words.encode({"agent": "dog", "action": "bites", "patient": {"kind": "cat", "colour": "red"}})
    >>> record.shape
    (1024,)
    >>> words.query(record, "agent"), words.query(record, ("patient", "colour"))
    ('dog', 'red')
    """

    def __init__(self, n_units=1024, *, algebra="hrr", random_state=None):
        for kind, name, value in ((COUNT, "n_units", n_units), (RandomState(), "random_state", random_state)):
            if not kind.accepts(value):
                kind.refuse(name, value)
        self.n_units, self.algebra, self.random_state = int(n_units), algebra, random_state
        self._algebra = resolve_algebra(algebra)
        self._seed = check_random_state(random_state).randint(2**31)
        self._vectors, self._symbols, self._roles = {}, {}, {}

    def __repr__(self):
        return (
            f"Vocabulary({self.n_units}, algebra={self.algebra!r}, random_state={self.random_state!r}) of "
            f"{len(self.symbols)} symbols and {len(self.roles)} roles"
        )

    def __contains__(self, symbol):
        return isinstance(symbol, Hashable) and symbol in self._symbols

    def __len__(self):
        return len(self._symbols)

    def __getitem__(self, symbol):
        """The vector of a symbol or of a role, drawn when it is first met."""
        if symbol is None or not isinstance(symbol, Hashable):
            raise TypeError(f"{symbol!r} is no symbol; expected a string, or another hashable object but None.")
        if not _equals_itself(symbol):
            raise ValueError(f"{symbol!r} is no symbol: it does not equal itself, so that it would be new every time.")
        if symbol not in self._vectors:
            # By its name: the same in every order, and in every process.
            digest = hashlib.sha256(f"{type(symbol).__name__}:{symbol!r}".encode()).digest()
            seed = np.random.RandomState([self._seed, *np.frombuffer(digest[:16], dtype="<u4")])
            (self._vectors[symbol],) = random_keys(1, self.n_units, algebra=self._algebra, random_state=seed)
        return self._vectors[symbol].copy()

    @property
    def symbols(self):
        """What fills roles, in the order met."""
        return list(self._symbols)

    @property
    def roles(self):
        """Names of roles, in the order met."""
        return list(self._roles)

    @property
    def vectors(self):
        """Vectors of `symbols`, shape (n_symbols, n_units)."""
        return np.stack([self[symbol] for symbol in self._symbols])

    def add(self, *symbols):
        """Make symbols known as possible answers, without a record.

        Parameters
        ----------
        *symbols : str or other hashable object
            New or known ones.

        Returns
        -------
        self : Vocabulary
        """
        for symbol in symbols:
            self[symbol]
            self._symbols[symbol] = None
        return self

    def encode(self, record):
        """One vector for a symbol, a record of roles and fillers, or a list.

        Parameters
        ----------
        record : mapping, list, tuple, ndarray or symbol
            A mapping binds each value to its key; a list marks each entry with its place; both may be nested. A vector
            (n_units,) stands for itself, a symbol for its vector. New symbols and roles become known.

        Returns
        -------
        vector : ndarray of shape (n_units,)
            Of power 1 for a symbol, about the number of its parts for a record.

        Raises
        ------
        TypeError, ValueError
            For what cannot be encoded: empty records, roles that are no strings, None, NaN. Nothing becomes known then.

        Examples
        --------
        >>> from skamem.structures import Vocabulary
        >>> words = Vocabulary(random_state=0)
        >>> melody = words.encode({"title": "scale", "notes": ["do", "re", "mi"]})
        >>> words.query(melody, ("notes", 1))
        're'
        """
        symbols, roles = {}, {}
        vector = self._encoded(record, symbols, roles)
        self._symbols.update(symbols)
        self._roles.update(roles)
        return vector

    def _encoded(self, record, symbols, roles):
        if isinstance(record, np.ndarray):
            return self._checked(record, "a vector in a record", (1,))
        if not isinstance(record, Mapping | list | tuple):
            vector = self[record]
            symbols[record] = None
            return vector
        if not len(record):
            raise ValueError(f"{record!r} is an empty record; expected at least one role or entry.")
        if not isinstance(record, Mapping):
            parts = [self._part(entry, symbols, roles) for entry in record]
            return bundle(*[permute(part, place, self._algebra) for place, part in enumerate(parts, 1)], self._zero(),
                          algebra=self._algebra)  # fmt: skip
        for role in record:
            if not isinstance(role, str):
                raise TypeError(f"The role {role!r} is {type_of(role)}; expected the name of a role, a string.")
            roles[role] = None
        bound = [bind(self[r], self._part(f, symbols, roles), algebra=self._algebra) for r, f in record.items()]
        return bundle(*bound, self._zero(), algebra=self._algebra)

    def _part(self, record, symbols, roles):
        """What fills a role or a place, of power 1."""
        vector = self._encoded(record, symbols, roles)
        power = self._algebra.power(vector)
        return vector / np.sqrt(np.where(power > 0, power, 1.0))

    def _zero(self):
        return np.zeros(self.n_units)

    def read(self, record, path):
        """What fills a role, with the noise of all that is beside it.

        Parameters
        ----------
        record : ndarray of shape (..., n_units)
            As `encode` gives, or what was read from another.
        path : str, int, or a tuple of them
            A role; a place in a list, from 0 on; or several, from the outermost to the innermost.

        Returns
        -------
        vector : ndarray of shape (..., n_units)

        Raises
        ------
        KeyError
            For a role that no record has had.
        """
        vector = self._checked(record, "record", None)
        for step in path if isinstance(path, tuple) else (path,):
            if isinstance(step, str):
                if step not in self._roles:
                    raise KeyError(
                        f"no record has had the role {step!r}; known are {', '.join(map(repr, self._roles))}"
                    )
                vector = unbind(vector, self[step], self._algebra)
            else:
                place = check_number("a place in a list", step, kind=numbers.Integral, low=0)
                vector = permute(vector, -int(place) - 1, self._algebra)
        return vector

    def query(self, record, path, *, false_alarm=1e-3):
        """The symbol that fills a role, or None where the record does not tell.

        Parameters
        ----------
        record : ndarray of shape (n_units,) or (n_records, n_units)
            As `encode` gives.
        path : str, int, or a tuple of them
            As in `read`.
        false_alarm : float, default=1e-3
            Probability, in (0, 1], with which a role that the record has not is answered by some symbol. 1 answers
            always, with the most similar symbol, also where that is a guess.

        Returns
        -------
        symbol : object or None, or a list of them for several records

        Raises
        ------
        KeyError
            For a role that no record has had.
        """
        check_number("false_alarm", false_alarm, low=0.0, high=1.0, low_open=True)
        found = self._similarities(record, path)
        # By chance cosines are normal, of variance 1 / (freedom n_units): the largest of them stays below this.
        quantile = ndtri(np.exp(np.log1p(-false_alarm) / len(self))) if false_alarm < 1.0 else -np.inf
        least = quantile / np.sqrt(self._algebra.freedom * self.n_units)
        symbols = self.symbols
        answers = [symbols[row.argmax()] if row.max() > least else None for row in np.atleast_2d(found)]
        return answers if found.ndim == 2 else answers[0]

    def ranking(self, record, path, k=5):
        """The symbols most similar to what fills a role.

        Parameters
        ----------
        record : ndarray of shape (n_units,)
            As `encode` gives.
        path : str, int, or a tuple of them
            As in `read`.
        k : int, default=5
            How many at most.

        Returns
        -------
        ranking : list of (symbol, similarity)
            The most similar first; similarity is the cosine, about 1 over the root of the number of parts for what is
            there, and up to a few over the root of n_units for what is not.
        """
        if not COUNT.accepts(k):
            COUNT.refuse("k", k)
        found = self._similarities(self._checked(record, "record", (1,)), path)
        symbols = self.symbols
        return [(symbols[i], float(found[i])) for i in np.argsort(-found, kind="stable")[:k]]

    def _similarities(self, record, path):
        if not self._symbols:
            raise ValueError("No symbol is known yet; expected some, by `encode` or `add`.")
        return similarity(self.read(record, path), self.vectors, self._algebra)

    def _checked(self, vector, name, dimensions):
        if isinstance(vector, str | Mapping):
            raise TypeError(f"{name} is {vector!r}; expected a vector of {self.n_units} numbers, as `encode` gives.")
        vector = np.asarray(vector)
        if vector.shape[-1:] != (self.n_units,) or (dimensions and vector.ndim not in dimensions) or vector.ndim > 2:
            raise ValueError(
                f"{name} has shape {vector.shape}; expected ({self.n_units},): one vector, as `encode` gives."
            )
        if vector.dtype.kind not in "biufc" or not np.all(np.isfinite(vector)):
            raise ValueError(f"{name} has entries that are no finite numbers; expected a vector, as `encode` gives.")
        return vector


def _equals_itself(symbol):
    """False for NaN of any kind, and for what holds one."""
    if isinstance(symbol, tuple | frozenset):
        return all(map(_equals_itself, symbol))
    try:
        return bool(symbol == symbol)
    except TypeError:  # pandas.NA says neither yes nor no
        return False
