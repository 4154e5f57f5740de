"""What every service shares: answers, refusals, endpoints, and connections that break on demand."""
