"""What keeps all processes of a home at the account's pace: rates, and which tasks run."""
