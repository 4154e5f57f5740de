"""A batch on the workers of a Dask cluster: each runs the engine on the rows that it claims from the journal."""
