"""One conversation at a time, without a screen: what can be said and done in it, for every skin that shows it."""
