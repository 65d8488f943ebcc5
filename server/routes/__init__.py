"""HTTP and WebSocket routes: they validate, ask storage or the engine, and answer. No torch here."""
