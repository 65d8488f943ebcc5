"""What survives a restart: rows by SQLAlchemy, blobs by their sha256."""
