"""Pictures: drawing, editing by message and by function."""
