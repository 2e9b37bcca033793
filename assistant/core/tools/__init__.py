"""What a model may do in a turn by itself: tools, what they do to the world, and the loop in which they are called."""
