"""Who is told of alerts: teams and their channels, policies with steps, quiet hours, and each delivery."""
