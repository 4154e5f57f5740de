"""What one page of the account's task list tells of many tasks at once."""
