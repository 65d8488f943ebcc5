"""Unpickling into inert records: nothing that a file names is ever imported, looked up or run.

Two walls: only the opcodes that network files consist of are understood, and a name in the file is only
looked up in a fixed table (globals.py) whose entries make records. No import, attribute lookup or call of
anything else can be written down in what is left of the pickle language.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from models.foreign.globals import GLOBALS, Global, refused_name
from models.foreign.records import PickledArray, PickledDtype, PickledObject, bytes_of, extent
from models.weights import CheckpointError

_PLAIN_OPCODES = (
    *(pickle.PROTO, pickle.STOP, pickle.MARK),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BINFLOAT),
    *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.BINUNICODE, pickle.SHORT_BINUNICODE, pickle.BINSTRING, pickle.SHORT_BINSTRING),
    *(pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS, pickle.EMPTY_DICT),
    *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET),
    *(pickle.GLOBAL, pickle.STACK_GLOBAL, pickle.BINPERSID),
)
_MAX_INDEX = 2**31  # of whole numbers as keys: larger ones could all fall into one slot of a dict


class Storages(Protocol):
    """What a file keeps outside its pickle."""

    def __call__(self, reference: object, /) -> object:
        """The record of a persistent id. Raises CheckpointError."""


class ByteReader:
    """Reading a file's bytes in order; never more than there are."""

    def __init__(self, data: memoryview) -> None:
        self.data, self.position = data, 0

    def view(self, count: int) -> memoryview:
        """The next count bytes, not copied."""
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise EOFError
        part = self.data[self.position : end]
        self.position = end
        return part

    def read(self, count: int) -> bytes:
        return bytes(self.view(count))

    def readline(self) -> bytes:
        """The rest of a line of at most 1000 bytes, its end included."""
        rest = bytes(self.data[self.position : self.position + 1000])
        return self.read(rest.index(b"\n") + 1)


class _InertUnpickler(pickle._Unpickler):
    """Python's own unpickler in Python: the C one grows its memo to whatever index a file names."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        code[0]: pickle._Unpickler.dispatch[code[0]] for code in _PLAIN_OPCODES
    }

    def __init__(self, source: ByteReader, storages: Storages) -> None:
        super().__init__(source, encoding="latin1")  # Python 2's byte strings
        self.source, self.storages = source, storages

    def find_class(self, module: str, name: str) -> Global:
        """The table's entry; never the base class's lookup, which imports."""
        entry = GLOBALS.get((module, name))
        if entry is None:
            raise refused_name(module, name)
        return entry

    def persistent_load(self, reference: object) -> object:
        return self.storages(reference)

    def _frame(self) -> None:
        self.source.view(8)  # frames only say how much to read ahead

    def _bytes(self: Any, length_bytes: int) -> None:
        self.stack.append(self.source.view(int.from_bytes(self.source.view(length_bytes), "little")))

    def _reduce(self: Any) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise CheckpointError("This file is damaged.")
        self.stack[-1] = function.make(*arguments)

    def _build(self: Any) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        set_state(target, state)

    def _set_item(self: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _items_of(self.stack[-1])[_key(key)] = value

    def _set_items(self: Any) -> None:
        items = self.pop_mark()
        target = _items_of(self.stack[-1])
        for i in range(0, len(items), 2):
            target[_key(items[i])] = items[i + 1]

    def _empty_set(self: Any) -> None:
        self.stack.append([])

    def _add_items(self: Any) -> None:
        items = self.pop_mark()
        self.stack[-1].extend(items)

    dispatch[pickle.FRAME[0]] = _frame
    dispatch[pickle.SHORT_BINBYTES[0]] = lambda self: self._bytes(1)
    dispatch[pickle.BINBYTES[0]] = lambda self: self._bytes(4)
    dispatch[pickle.BINBYTES8[0]] = lambda self: self._bytes(8)
    dispatch[pickle.BYTEARRAY8[0]] = lambda self: self._bytes(8)
    dispatch[pickle.REDUCE[0]] = _reduce
    dispatch[pickle.NEWOBJ[0]] = _reduce
    dispatch[pickle.BUILD[0]] = _build
    dispatch[pickle.SETITEM[0]] = _set_item
    dispatch[pickle.SETITEMS[0]] = _set_items
    dispatch[pickle.EMPTY_SET[0]] = _empty_set  # a list: no hash of what a file holds is ever computed
    dispatch[pickle.ADDITEMS[0]] = _add_items


def unpickle(source: ByteReader, storages: Storages) -> object:
    """What the next pickle of source holds: records, dicts, lists, tuples, plain values, byte views.

    Raises CheckpointError whatever is wrong with it.
    """
    try:
        return _InertUnpickler(source, storages).load()
    except CheckpointError:
        raise
    except Exception as error:  # whatever a broken pickle provokes, MemoryError and RecursionError too
        raise CheckpointError("This is not a network file, or it is damaged.") from error


def no_storages(_reference: object) -> object:
    """For pickles that keep everything inside."""
    raise CheckpointError("It refers to data outside of it, which no StyleGAN2 network of this kind does.")


def set_state(target: object, state: object) -> None:
    """What a file sets on an object: kept as data where a record has a place for it, else refused."""
    if isinstance(target, dict):
        return  # an OrderedDict's attributes: versions of modules, which nothing here needs
    if isinstance(target, PickledObject) and isinstance(state, dict):
        target.state = state
    elif isinstance(target, PickledDtype) and isinstance(state, tuple) and state[1] in ("<", ">", "|"):
        target.order = state[1]
    elif isinstance(target, PickledArray) and isinstance(state, tuple) and len(state) == 5:
        _version, shape, dtype, fortran, data = state
        if not isinstance(dtype, PickledDtype):
            raise CheckpointError("An array in this file is damaged.")
        raw = data.encode("latin1") if isinstance(data, str) else bytes_of(data)
        target.shape, target.dtype, target.fortran, target.data = extent(shape), dtype, fortran is True, raw
    else:
        raise CheckpointError("This file is damaged.")


def _items_of(target: object) -> dict[object, object]:
    if not isinstance(target, dict):
        raise CheckpointError("This file is damaged.")
    return target


def _key(key: object) -> object:
    """A name or a small number: hashing anything else may take as long as its author wants."""
    if isinstance(key, str) or key is None or (isinstance(key, int) and abs(key) < _MAX_INDEX):
        return key
    raise CheckpointError("This file is damaged.")
