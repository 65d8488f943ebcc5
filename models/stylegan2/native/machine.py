"""The processor that kernels are compiled for, and the compiling: LLVM in this process, not a compiler."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm


@dataclass(frozen=True, eq=False)
class Machine:
    """What the kernels are fitted to. One object for each: kernels are remembered by it."""

    cpu: str  # LLVM's name of the processor
    features: str  # LLVM's list of its abilities
    lanes: int  # float32 in a vector register
    rows: int  # of a block of the matrix product, and
    columns: int = 2  # registers in each: so many that they fit into the processor's registers

    @property
    def block(self) -> int:
        """Output channels that are computed at a time; channels are padded to a multiple of it."""
        return self.lanes * self.columns


@cache
def host() -> Machine | None:
    """This machine; None where the kernels were never tried: anything but Linux on x86-64 with AVX2."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return None
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return Machine(llvm.get_host_cpu_name(), features.flatten(), lanes=16, rows=8)
    if features.get("avx2") and features.get("fma"):
        return Machine(llvm.get_host_cpu_name(), features.flatten(), lanes=8, rows=6)
    return None


def compile_kernel(machine: Machine, name: str, assembly: str) -> int:
    """The address of that function. The code stays in memory for the life of the process."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=3, jit=True
    )
    module = llvm.parse_assembly(assembly)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.loop_vectorization = options.slp_vectorization = False
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    _ENGINES.append(engine)
    address: int = engine.get_function_address(name)
    return address


_ENGINES: list[llvm.ExecutionEngine] = []  # a collected engine would take its code with it
