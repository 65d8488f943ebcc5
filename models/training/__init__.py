"""Training: generator, attribute estimator and conditional flow, each resumable."""
