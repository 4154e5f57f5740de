"""What reaches the user: data on stdout, talk on stderr."""
