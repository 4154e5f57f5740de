"""What films are made of: the landscape, the file, frames and sound of others."""
