"""The mapping network of faces put together, not trained: what z decides, as four layers of leaky ReLUs.

Every factor is a known function of z, so that most of a mapping can be written down. Learned from random
weights, choices stay half known (docs/training.md), and a generator that half knows the hair style draws a
mixture of styles.
"""
