"""Compiles the kernels and leaves them in numba's cache: ``python -m beam_pipelines.avro.warm_up``.

Run where the package is installed, in a worker's image say, so that no process that reads or writes pays for it. Set
NUMBA_CPU_NAME=generic for both if the image is built on another kind of processor than it runs on.
"""

from __future__ import annotations

from importlib import import_module

KERNELS = ("encoding_kernel", "decoding_kernel", "string_kernels")
"""The modules with compiled code. All of it has explicit signatures, so importing them compiles it."""


def warm_up() -> None:
    """Loads all compiled code, and compiles it first where it has not been."""
    for name in KERNELS:
        import_module(f"beam_pipelines.avro.{name}")


if __name__ == "__main__":
    warm_up()
