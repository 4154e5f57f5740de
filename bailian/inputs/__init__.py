"""What goes in: pictures, masks and recordings, judged by their bytes."""
