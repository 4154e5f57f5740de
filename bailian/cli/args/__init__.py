"""What a command line says: options, config files, inputs, masks, targets."""
