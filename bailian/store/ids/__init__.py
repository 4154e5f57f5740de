"""The ids that people type, and shells complete."""
