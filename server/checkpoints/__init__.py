"""The checkpoints folder as a person keeps it: what can be had, fetching, adding, checking, removing."""
