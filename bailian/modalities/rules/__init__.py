"""Rules that several kinds share: fields, prompts, sizes, masks, the choice of a model."""
