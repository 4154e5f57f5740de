"""What the user has set: key, host, folders, budgets."""
