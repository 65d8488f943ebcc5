"""Synthesis on a CPU by kernels of our own, compiled for the machine at hand when first used."""
