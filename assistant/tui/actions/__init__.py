"""What the commands do, one module a family; each action is a coroutine that takes the chat and its argument."""
