"""The object store: uploads, signed links, downloads, and the inputs that a request names."""
