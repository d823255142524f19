"""What the browser and the alerts learn when chargers report."""
