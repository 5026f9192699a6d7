"""Comparison of the CPU and a CUDA device, stage by stage, and the speed of whole runs there.

`python -m benchmarks.gpu_check.pack` (`make gpu-wheels`) packs what a bare machine lacks into gpu-check/.
`python -m benchmarks.gpu_check` (`make gpu-check`) runs there without a network, within a time budget.
"""
