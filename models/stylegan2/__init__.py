"""StyleGAN2: networks, the operations they need, and reading checkpoints."""
