"""What the registry does: one file a use case. A service owns its transaction."""
