-- A vector waits for the index as long as it belongs to no segment, or to one that has not reached its number: `outbox`
-- holds only what waits to be embedded. What was built before is built anew, where anything is to be built at all.
DELETE FROM outbox WHERE operation = 'index';
UPDATE index_segments SET state = 'stale';

-- What is private or an echo, by itself: the scan reads these marks of all passages.
CREATE INDEX passages_of_marks ON passages (private, echo);
-- What memories are about comes from a published list now; what was named otherwise is looked at again.
UPDATE memories SET about = NULL WHERE about NOT IN (
  'name', 'age', 'origin', 'language', 'home', 'partner', 'family', 'friend', 'pet', 'work', 'study', 'money', 'health',
  'diet', 'food', 'drink', 'sport', 'hobby', 'music', 'entertainment', 'travel', 'transport', 'belonging', 'routine',
  'character', 'other'
);
