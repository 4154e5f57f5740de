"""What a test does to a running sandbox: `/_sandbox/…`, its clock, and what it must have been sent."""
