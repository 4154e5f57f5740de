"""Object storage: what is put there is whole or absent, never overwritten, and known again by its checksum."""
