"""Learning from what the user says: proposals by a model, checked against the words they rest on."""
