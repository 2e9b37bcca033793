"""Care: plain, region-aware resources before the answer to a message that speaks of an emergency of the writer's."""
