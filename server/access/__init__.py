"""Who may use this server, how much of it, and what of it is theirs."""
