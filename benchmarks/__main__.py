"""Every benchmark, one after the other."""

from __future__ import annotations

import importlib
import pkgutil

import benchmarks

for module in sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__"):
    print(f"\n== {module}")  # noqa: T201
    importlib.import_module(f"benchmarks.{module}").main()
