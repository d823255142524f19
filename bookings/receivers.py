"""What happens to bookings when chargers report."""
