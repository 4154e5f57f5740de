"""What a shell offers at TAB after `bailian`: one program answers, a short script for each shell shows it."""
