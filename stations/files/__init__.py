"""Files between the portal and stations, under addresses that last for a while and that nobody guesses."""
