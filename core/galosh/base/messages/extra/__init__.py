"""Tables too long for the module of their part, which merges them. Data only."""
