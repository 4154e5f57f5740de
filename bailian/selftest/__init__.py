"""What nobody can check without a key, a user can: is the service as docs/wire.md says?"""
