"""Which ``write=`` classes a manager user has, read from the list of actions Asterisk offers it.

Strategy: ListCommands takes no right and names, with its classes, each action that this user may send.  Any one class is
enough for an action; so one that has a single class proves that class, and one with several proves one of them.  Only
``reporting`` has no action of its own: it is taken as given where an action it shares is offered that none of the proven
classes explains.

Standard: ``main/manager.c:action_listcommands`` of Asterisk 11 to 23: ``Getvar: Gets a variable. (Priv: call,reporting,all)``.
"""

from __future__ import annotations

import re
from typing import Final

from qualitywatch.ami.codec import Message

_CLASSES: Final = re.compile(r"\(Priv: ([^()]*)\)\s*$")
_NO_CLASS: Final = frozenset({"all", "<none>", ""})
_SHARED: Final = "reporting"


def granted_classes(answer: Message | None) -> frozenset[str] | None:
    """Return the classes; None when the answer is no list of actions."""
    if answer is None:
        return None
    offered = [
        frozenset(word.strip() for word in found[1].split(",")) - _NO_CLASS
        for _, value in answer.headers
        if (found := _CLASSES.search(value))
    ]
    if not offered:
        return None
    proven = frozenset(word for classes in offered if len(classes) == 1 for word in classes)
    unexplained = [classes for classes in offered if classes and not classes & proven]
    if any(_SHARED in classes for classes in unexplained):
        proven |= {_SHARED}
    # What is still left has classes of somebody's own module: any of them may be the one.
    return proven | {min(classes) for classes in unexplained if not classes & proven}
