"""Packages that import all their modules at once, imported module by module instead.

A generated client library has a package of a thousand types, whose ``__init__`` imports every one of them; a
process that needs ten waits for all. A package from here is there without having run, and each of its names is
imported when somebody asks for it. Every module stays the one that an import of the whole would give.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any


def prepare(*names: str) -> None:
    """Make the next import of these packages a light one; those that were imported already stay as they are.

    Raises:
        ImportError: there is no such package.
    """
    for name in names:
        if name not in sys.modules:
            sys.modules[name] = _package(name)


def _package(name: str) -> ModuleType:
    """A package whose ``__init__`` has not run."""
    spec = _found(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"There is no package {name}: run `make setup`.", name=name)
    origin = Path(spec.origin)
    package = importlib.util.module_from_spec(spec)

    @cache
    def imports() -> dict[str, tuple[str, str]]:
        return {
            alias.asname or alias.name: ("." * statement.level + (statement.module or ""), alias.name)
            for statement in ast.parse(origin.read_bytes()).body
            if isinstance(statement, ast.ImportFrom)
            for alias in statement.names
        }

    def find(attribute: str) -> Any:
        if attribute.startswith("__") or attribute not in imports():
            # Also for a module of the package: the import that asks goes on to look for it by itself.
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        module, asked = imports()[attribute]
        if module.strip("."):
            value = getattr(importlib.import_module(module, name), asked)
        else:
            value = importlib.import_module(module + asked, name)
        setattr(package, attribute, value)
        return value

    package.__dict__["__getattr__"] = find
    return package


def _found(name: str) -> ModuleSpec | None:
    """Where a package is, without importing those that it is in."""
    top, *inner = name.split(".")
    spec = importlib.util.find_spec(top)
    for part in inner:
        top = f"{top}.{part}"
        spec = PathFinder.find_spec(top, spec.submodule_search_locations) if spec is not None else None
    return spec
