"""A small language for vector kernels: Python expressions over these classes write LLVM code.

A kernel is one function of a pointer to its task (a ctypes.Structure). What is a Python loop or `if` here is
unrolled or decided while the code is written; `Code.loop` and `Code.when` are those of the kernel.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from llvmlite import ir

_I64, _F32 = ir.IntType(64), ir.FloatType()
_FLAGS = ("contract",)  # a * b + c may become one fused multiply-add; nothing else may be reordered


class Bool:
    """A condition known only when the kernel runs."""

    def __init__(self, code: Code, value: ir.Value) -> None:
        self.code, self.value = code, value

    def __and__(self, other: Bool) -> Bool:
        return Bool(self.code, self.code.builder.and_(self.value, other.value))

    def __invert__(self) -> Bool:
        return Bool(self.code, self.code.builder.not_(self.value))


class Int:
    """A 64-bit integer of the kernel. Division rounds towards zero."""

    def __init__(self, code: Code, value: ir.Value) -> None:
        self.code, self.value = code, value

    def _with(self, operation: str, other: Int | int) -> Int:
        right = self.code.whole(other).value
        return Int(self.code, getattr(self.code.builder, operation)(self.value, right))

    def _compare(self, operation: str, other: Int | int) -> Bool:
        right = self.code.whole(other).value
        return Bool(self.code, self.code.builder.icmp_signed(operation, self.value, right))

    def __add__(self, other: Int | int) -> Int:
        return self._with("add", other)

    def __sub__(self, other: Int | int) -> Int:
        return self._with("sub", other)

    def __mul__(self, other: Int | int) -> Int:
        return self._with("mul", other)

    def __floordiv__(self, other: Int | int) -> Int:
        return self._with("sdiv", other)

    def __mod__(self, other: Int | int) -> Int:
        return self._with("srem", other)

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Int | int) -> Bool:
        return self._compare("<", other)

    def __le__(self, other: Int | int) -> Bool:
        return self._compare("<=", other)

    def __ge__(self, other: Int | int) -> Bool:
        return self._compare(">=", other)

    def equals(self, other: Int | int) -> Bool:
        """Whether both are the same number."""
        return self._compare("==", other)

    def at_most(self, other: Int | int) -> Int:
        """The smaller of the two."""
        return self.code.select(self._compare("<", other), self, self.code.whole(other))


class Vector:
    """Some float32 side by side, as a rule as many as a register holds. A Python number is in every lane."""

    def __init__(self, code: Code, value: ir.Value) -> None:
        self.code, self.value = code, value

    @property
    def lanes(self) -> int:
        """How many numbers."""
        count: int = self.value.type.count
        return count

    def _other(self, other: Vector | float) -> ir.Value:
        return self.code.constant(other, self.lanes) if isinstance(other, float) else other.value

    def _with(self, operation: str, other: Vector | float) -> Vector:
        apply = getattr(self.code.builder, operation)
        return Vector(self.code, apply(self.value, self._other(other), flags=_FLAGS))

    def __add__(self, other: Vector | float) -> Vector:
        return self._with("fadd", other)

    def __sub__(self, other: Vector | float) -> Vector:
        return self._with("fsub", other)

    def __mul__(self, other: Vector | float) -> Vector:
        return self._with("fmul", other)

    __radd__, __rmul__ = __add__, __mul__

    def at_least(self, limit: Vector) -> Vector:
        """Lane by lane the larger one; NaN stays NaN."""
        return self._limited("<", limit)

    def at_most(self, limit: Vector) -> Vector:
        """Lane by lane the smaller one; NaN stays NaN."""
        return self._limited(">", limit)

    def _limited(self, beyond: str, limit: Vector) -> Vector:
        builder = self.code.builder
        outside = builder.fcmp_ordered(beyond, self.value, limit.value)
        return Vector(self.code, builder.select(outside, limit.value, self.value))

    def inverse_root(self) -> Vector:
        """Lane by lane 1 / sqrt."""
        code, kind = self.code, self.value.type
        root = code.builder.call(code.external(f"llvm.sqrt.v{self.lanes}f32", kind, [kind]), [self.value])
        return Vector(code, code.builder.fdiv(code.constant(1.0, self.lanes), root))

    def shuffled(self, other: Vector, lanes: Sequence[int]) -> Vector:
        """Those lanes of both vectors, counted through, in a new one."""
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
        return Vector(self.code, self.code.builder.shuffle_vector(self.value, other.value, mask))


class Floats:
    """Memory that holds float32; positions are counted in float32."""

    def __init__(self, code: Code, value: ir.Value) -> None:
        self.code, self.value = code, value

    def at(self, position: Int | int) -> Floats:
        """The memory from there on."""
        return Floats(self.code, self.code.builder.gep(self.value, [self.code.whole(position).value]))

    def vector(self, position: Int | int, lanes: int | None = None) -> Vector:
        """Neighbours: a register full, or as many as lanes says."""
        pointer = self._as(position, ir.VectorType(_F32, lanes or self.code.lanes))
        return Vector(self.code, self.code.builder.load(pointer, align=4))

    def spread(self, position: Int | int, lanes: int | None = None) -> Vector:
        """One number in every lane."""
        number = self.code.builder.load(self.at(position).value, align=4)
        return self.code.spread(number, lanes or self.code.lanes)

    def store(self, position: Int | int, vector: Vector) -> None:
        """Write all lanes."""
        self.code.builder.store(vector.value, self._as(position, vector.value.type), align=4)

    def stream(self, position: Int | int, vector: Vector) -> None:
        """Write all lanes past the caches, for what is read only much later. The memory must be aligned."""
        kind = vector.value.type
        store = self.code.builder.store(vector.value, self._as(position, kind), align=4 * kind.count)
        store.set_metadata("nontemporal", self.code.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))

    def copy(self, source: Floats, count: Int) -> None:
        """Take over count numbers from memory that does not overlap."""
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(1)
        arguments = [byte, byte, _I64, flag]
        copy = self.code.external("llvm.memcpy.p0.p0.i64", ir.VoidType(), arguments)
        target, origin = (self.code.builder.bitcast(end.value, byte) for end in (self, source))
        self.code.builder.call(copy, [target, origin, (count * 4).value, ir.Constant(flag, 0)])

    def _as(self, position: Int | int, kind: ir.Type) -> ir.Value:
        return self.code.builder.bitcast(self.at(position).value, kind.as_pointer())


class Carried:
    """A vector that keeps its value from one round of a loop to the next."""

    def __init__(self, code: Code, start: Vector) -> None:
        self.code = code
        with code.builder.goto_entry_block():
            self._slot = code.builder.alloca(start.value.type)
        self.value = start

    @property
    def value(self) -> Vector:
        """What it holds now."""
        return Vector(self.code, self.code.builder.load(self._slot))

    @value.setter
    def value(self, vector: Vector) -> None:
        self.code.builder.store(vector.value, self._slot)


class Fields:
    """A ctypes.Structure in memory."""

    def __init__(self, code: Code, kind: type[ctypes.Structure], address: ir.Value) -> None:
        self.code, self._kind, self._address = code, kind, address

    def _pointer(self, name: str, kind: ir.Type) -> ir.Value:
        offset = ir.Constant(_I64, getattr(self._kind, name).offset)
        return self.code.builder.bitcast(self.code.builder.gep(self._address, [offset]), kind.as_pointer())

    def number(self, name: str) -> Int:
        """An int64."""
        return Int(self.code, self.code.builder.load(self._pointer(name, _I64)))

    def factor(self, name: str, lanes: int | None = None) -> Vector:
        """A float32, in every lane."""
        return Floats(self.code, self._pointer(name, _F32)).spread(0, lanes)

    def floats(self, name: str) -> Floats:
        """What an address points to."""
        return Floats(self.code, self.code.builder.load(self._pointer(name, _F32.as_pointer())))

    def array(self, name: str) -> Floats:
        """An array of float32 in the structure itself."""
        return Floats(self.code, self._pointer(name, _F32))

    def record(self, name: str, index: Int, kind: type[ctypes.Structure]) -> Fields:
        """One of the structures that an address points to."""
        first = self.code.builder.load(self._pointer(name, ir.IntType(8).as_pointer()))
        offset = (index * ctypes.sizeof(kind)).value
        return Fields(self.code, kind, self.code.builder.gep(first, [offset]))

    def drawn(self, name: str) -> Int:
        """The next value of a counter that all threads share."""
        one, pointer = ir.Constant(_I64, 1), self._pointer(name, _I64)
        return Int(self.code, self.code.builder.atomic_rmw("add", pointer, one, "monotonic"))


_Either = TypeVar("_Either", Int, Floats)


class Code:
    """The kernel being written: `void name(task *)`."""

    def __init__(self, name: str, task: type[ctypes.Structure], lanes: int) -> None:
        self.name, self.lanes = name, lanes
        self.module = ir.Module(name)
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [_I64.as_pointer()]), name)
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))
        byte = self.builder.bitcast(function.args[0], ir.IntType(8).as_pointer())
        self.task = Fields(self, task, byte)

    def assembly(self) -> str:
        """The kernel, to its end, as LLVM assembly."""
        if not self.builder.block.is_terminated:
            self.builder.ret_void()
        return str(self.module)

    def whole(self, value: Int | int) -> Int:
        """A constant, or what is an Int already."""
        return value if isinstance(value, Int) else Int(self, ir.Constant(_I64, value))

    def zeros(self) -> Vector:
        """A register of zeros."""
        return Vector(self, self.constant(0.0, self.lanes))

    def constant(self, value: float, lanes: int) -> ir.Constant:
        """The same float32 in every lane."""
        return ir.Constant(ir.VectorType(_F32, lanes), [ir.Constant(_F32, value)] * lanes)

    def spread(self, number: ir.Value, lanes: int) -> Vector:
        """One float32 in every lane."""
        kind = ir.VectorType(_F32, lanes)
        empty = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
        mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        return Vector(self, self.builder.shuffle_vector(first, empty, mask))

    def select(self, condition: Bool, yes: _Either, no: _Either) -> _Either:
        """One of the two."""
        return type(yes)(self, self.builder.select(condition.value, yes.value, no.value))

    def prefetch(self, memory: Floats) -> None:
        """Ask for a cache line that is needed soon. Any address will do."""
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        ask = self.external("llvm.prefetch.p0", ir.VoidType(), [byte, flag, flag, flag])
        settings = [ir.Constant(flag, value) for value in (0, 2, 1)]  # to read, into the second level, data
        self.builder.call(ask, [self.builder.bitcast(memory.value, byte), *settings])

    @contextmanager
    def loop(self, start: Int | int, stop: Int | int, step: Int | int = 1) -> Iterator[Int]:
        """for i in range(start, stop, step)."""
        builder = self.builder
        first, last = self.whole(start), self.whole(stop)
        entry = builder.block
        head, body, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(_I64)
        index.add_incoming(first.value, entry)
        builder.cbranch(builder.icmp_signed("<", index, last.value), body, after)
        builder.position_at_end(body)
        yield Int(self, index)
        index.add_incoming(builder.add(index, self.whole(step).value), builder.block)
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def items(self, counter: str, count: Int) -> Iterator[Int]:
        """Whatever of range(count) no other thread has taken, one at a time."""
        builder = self.builder
        head, body, after = (builder.append_basic_block(name) for name in ("next", "item", "done"))
        builder.branch(head)
        builder.position_at_end(head)
        item = self.task.drawn(counter)
        builder.cbranch((item < count).value, body, after)
        builder.position_at_end(body)
        yield item
        builder.branch(head)
        builder.position_at_end(after)

    @contextmanager
    def when(self, condition: Bool) -> Iterator[None]:
        """if condition."""
        with self.builder.if_then(condition.value):
            yield

    def external(self, name: str, result: ir.Type, arguments: list[ir.Type]) -> ir.Function:
        """A function declared elsewhere, here LLVM's intrinsics."""
        known = self.module.globals.get(name)
        return known or ir.Function(self.module, ir.FunctionType(result, arguments), name)
