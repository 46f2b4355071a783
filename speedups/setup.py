"""The extension module; all else about the distribution stands in pyproject.toml."""

import sys
from pathlib import Path

from setuptools import Extension, setup

# CFLAGS of the environment would otherwise replace the optimisation that Python itself was built with.
OPTIMISATION = () if sys.platform == "win32" else ("-O3",)
SOURCES = ("decode.c", "encode.c", "judge.c", "module.c", "receipts.c")

setup(
    ext_modules=[
        Extension(
            "smppwire_speedups._codec",
            sources=[str(Path("src", name)) for name in SOURCES],
            extra_compile_args=[*OPTIMISATION],
            depends=[str(Path("src", "codec.h"))],
        )
    ]
)
