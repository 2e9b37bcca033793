"""The memory for other programs, through the Model Context Protocol: what they see, what they may do, how they ask."""
