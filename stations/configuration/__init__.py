"""What stations are set to: read, kept, compared with what is wanted, and changed."""
