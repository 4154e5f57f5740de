"""How `--help` looks: groups of options, examples, lines that fit the terminal."""
