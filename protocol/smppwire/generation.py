"""Turning generated source into functions whose lines tracebacks and debuggers can show."""

from __future__ import annotations

import linecache
from typing import Any


def compile_source(name: str, source: str, namespace: dict[str, Any]) -> None:
    """Run generated source in ``namespace`` under a file name of its own, which is registered with ``linecache``."""
    filename = f"<smppwire {name}>"
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102 - made from our own schema, never from input
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
