"""What every resource of the API shares: one module per concern."""
