"""What else may be wrong: kinds and limits (pure), facts (read), rounds (written)."""
