"""Which files of the library a piece of code imports, directly or through others."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import grimp


def closure(python: str, lib: Path) -> list[Path]:
    """Files of the packages in `lib` that the given source imports, transitively, with the packages above them.

    Parameters
    ----------
    python : str
        Python source.
    lib : Path
        Folder that holds the project's packages and modules.

    Returns
    -------
    list of Path
        Sorted files; imports inside functions count too.
    """
    packages = {p.parent.name for p in lib.glob("*/__init__.py")}
    wanted = [name for name in _imported(python) if name.split(".")[0] in packages]
    if not wanted:
        return []
    graph = _graph(lib, tuple(sorted({name.split(".")[0] for name in wanted})))
    modules: set[str] = set()
    for name in wanted:
        while name and name not in graph.modules:  # "package.module.function"
            name = name.rpartition(".")[0]
        if name:
            modules |= {name, *graph.find_upstream_modules(name)}
    modules |= {parent for module in modules for parent in _parents(module)}
    modules |= {up for module in list(modules) for up in graph.find_upstream_modules(module)}
    return sorted(_file(lib, module) for module in modules)


def _imported(python: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(python)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def _graph(lib: Path, packages: tuple[str, ...]) -> grimp.ImportGraph:
    """Import graph of the packages; grimp finds them on the path, which need not name `lib`."""
    before = list(sys.path)
    sys.path.insert(0, str(lib))
    try:
        return grimp.build_graph(*packages, cache_dir=None)
    finally:
        sys.path[:] = before


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:k]) for k in range(1, len(parts))]


def _file(lib: Path, module: str) -> Path:
    path = lib.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
