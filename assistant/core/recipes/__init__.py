"""Recipes: how something is to be done again, as folders of the open format Agent Skills."""
