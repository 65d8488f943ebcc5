"""The synthetic faces that the demo model learns from: a face is a function of z."""
