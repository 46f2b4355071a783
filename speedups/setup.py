"""The extension module; all else about the distribution stands in pyproject.toml."""

from pathlib import Path

from setuptools import Extension, setup

SOURCES = ("decode.c", "encode.c", "judge.c", "module.c", "receipts.c")

setup(
    ext_modules=[
        Extension(
            "smppwire_speedups._codec",
            sources=[str(Path("src", name)) for name in SOURCES],
            depends=[str(Path("src", "codec.h"))],
        )
    ]
)
