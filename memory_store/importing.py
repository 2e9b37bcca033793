"""One import of something large at a time, whichever thread asks for it.

Where two threads import packages that need each other, Python lets one of them go on with a module that is only half
there rather than have both wait for ever; what it then misses in it is an AttributeError in the middle of an answer.
"""

from __future__ import annotations

import threading
from typing import Final

one_at_a_time: Final = threading.RLock()
