"""What Numba keeps of a kernel, and when it makes machine code.

Numba makes machine code of every function that it compiles, with all that the function calls, and a wrapper by which
Python calls it. Of 260 functions of the kernels a dozen are called from Python. A *callee* is optimised and linked into
its callers, and gets neither.

A kernel that is loaded from the cache comes with its bitcode, for callers that are yet to be compiled. Parsed, bitcode
takes ten times the memory of the machine code, and mostly nobody asks for it. So it is parsed when someone does.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any, Final

import numba
from llvmlite import binding
from numba.core import codegen, types
from numba.core.environment import lookup_environment

__all__ = ["KernelLibrary", "dispatcher", "numbas_literal_unroll"]

numbas_literal_unroll: Final = numba.literal_unroll
#: Numba declares neither all of its options nor what it sets itself.
_njit: Final[Any] = numba.njit
_codegen: Final[Any] = codegen.JITCPUCodegen

_KERNEL, _CALLEE = "kernel", "callee"
_ENVIRONMENT = "_ZN08NumbaEnv"


class KernelLibrary(codegen.JITCodeLibrary):
    """The code of one function and of all that it calls; machine code only if Python can call the function."""

    _codegen: Any
    #: Packed bitcode that nobody has asked for.
    _bitcode = b""
    #: Python cannot call it.
    is_callee = False

    @property
    def has_parsed_bitcode(self) -> bool:
        """Whether what callers are linked with takes the memory that LLVM needs for it."""
        return not self._bitcode

    def get_pointer_to_function(self, name: str) -> int:
        """The address of a function; 0 if this library does not define it, as a callee does not what Python calls."""
        if not self._finalized:
            self.is_callee = name not in _defined(self._final_module)
        return int(super().get_pointer_to_function(name))

    def serialize_using_object_code(self) -> tuple[str, str, Any]:
        """What the cache keeps: packed bitcode and, unless it is a callee, machine code and the names in it."""
        bitcode = zlib.compress(self._get_module_for_linking().as_bitcode(), 1)
        if self.is_callee:
            return self.name, _CALLEE, bitcode
        return self.name, _KERNEL, (self._get_compiled_object(), bitcode, sorted(_defined(self._final_module)))

    @classmethod
    def _unserialize(cls, codegen: Any, state: tuple[str, str, Any]) -> KernelLibrary:
        name, kind, data = state
        self: KernelLibrary = codegen.create_library(name)
        if kind == _CALLEE:
            self.is_callee, self._bitcode, self._finalized = True, data, True
            return self
        machine_code, self._bitcode, names = data
        self.enable_object_caching()
        self._set_compiled_object(machine_code)
        self._finalize_final_module()
        codegen._engine._defined_symbols.update(names)
        return self

    def _get_module_for_linking(self) -> Any:
        if self._bitcode:
            self._shared_module = binding.parse_bitcode(zlib.decompress(self._bitcode))
            self._bitcode = b""
        return super()._get_module_for_linking()

    def _finalize_final_module(self) -> None:
        if not self.is_callee:
            super()._finalize_final_module()
            return
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def _finalize_specific(self) -> None:
        super()._finalize_specific()
        # those of callees have an address from now on
        for variable in self._final_module.global_variables:
            if variable.name.startswith(_ENVIRONMENT) and not variable.is_declaration:
                environment = lookup_environment(variable.name)
                if environment is not None:
                    self._codegen.set_env(variable.name, environment)


def dispatcher(function: Callable[..., Any], options: dict[str, Any], *, is_callee: bool) -> Any:
    """Numba's dispatcher of a function; that of a callee compiles what Python cannot call."""
    _use_library()
    made = _njit(no_cpython_wrapper=is_callee, **options)(function)
    template_for = made.get_call_template

    def get_call_template(args: Any, keywords: Any) -> Any:
        return template_for(tuple(map(_widened, args)), {name: _widened(of) for name, of in keywords.items()})

    made.get_call_template = get_call_template
    if options["cache"]:
        key_of, kind = made._cache._index_key, _CALLEE if is_callee else _KERNEL
        made._cache._index_key = lambda *of: (*key_of(*of), kind)  # Numba's own form is another
    return made


def _widened(of: Any) -> Any:
    """The type of any integer for that of a certain one: Numba would compile a callee for each constant it is given.

    It would also compile for the 0 that a counter starts with, before it sees that the counter is counted up.
    """
    return of.literal_type if isinstance(of, (types.IntegerLiteral, types.BooleanLiteral)) else of


def _use_library() -> None:
    """Let Numba keep compiled functions in this way; before it compiles or loads the first."""
    if _codegen._library_class is KernelLibrary:
        return
    _codegen._library_class = KernelLibrary
    set_env = _codegen.set_env

    @functools.wraps(set_env)
    def set_env_if_there(self: Any, name: str, environment: Any) -> None:
        if self._engine.is_symbol_defined(name):
            set_env(self, name, environment)

    _codegen.set_env = set_env_if_there


def _defined(module: Any) -> set[str]:
    """The names of what a module defines."""
    return {one.name for of in (module.functions, module.global_variables) for one in of if not one.is_declaration}
