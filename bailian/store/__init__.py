"""The journal and what all processes share: jobs, batches, budgets, rates, slots, leases."""
