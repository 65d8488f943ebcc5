"""From a photo to a latent: face detection, alignment, perceptual distance and projection."""
