"""The conditional flow between latent rows w and attribute-free rows z (StyleFlow)."""
