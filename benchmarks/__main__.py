"""Every benchmark of speed, one after the other. `benchmarks.determinism` is about bytes and `benchmarks.gpu_check`
about a GPU: both are run by themselves."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks

OTHERS = ("__main__", "determinism", "differences", "gpu_check")

for module in sorted({module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - set(OTHERS)):
    print(f"\n== {module}")  # noqa: T201
    importlib.import_module(f"benchmarks.{module}").main()
