"""The HTTP service: routes and sockets, which ask the engine, which computes with models."""
