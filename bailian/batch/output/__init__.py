"""What a batch leaves in its folder: records, gallery, thumbnails."""
