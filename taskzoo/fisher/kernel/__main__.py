"""Compile the kernels for this machine: ``python -m taskzoo.fisher.kernel``."""

from taskzoo.fisher.kernel import build

print(f"built {build()}")
