"""What money does when sessions start and end."""
