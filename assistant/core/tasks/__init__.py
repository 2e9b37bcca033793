"""Long tasks: a plan that the user reads, a worker that nothing makes forget or repeat, a table of what was found."""
