"""Ids as people type them: whole, or so much of the beginning or end that only one is meant."""

from __future__ import annotations

from collections.abc import Mapping

from studio.cli.frame import one_line
from studio.errors import NotFoundError, UsageError

SHORTEST = 8
MOST_LISTED = 10


def find_id(wanted: str, kind: str, known: Mapping[str, str], listing: str) -> str:
    """The one id among `known` (id to the words it stands for) that is meant.

    Ids begin with the time: those made within a minute begin alike, so whoever gave too little is shown which they are.
    Raises UsageError, NotFoundError; `listing` is the command that shows all ids of this kind.
    """
    if len(wanted) < SHORTEST:
        raise UsageError(f"'{wanted}' is too short for the id of a {kind}.", f"Give at least {SHORTEST} characters.")
    found = [one for one in known if one.startswith(wanted) or one.endswith(wanted)]
    if not found:
        raise NotFoundError(f"There is no {kind} with the id '{wanted}'.", f"See: {listing}")
    if len(found) > 1:
        listed = [f"  {one}  {one_line(known[one], 60)}" for one in found[:MOST_LISTED]]
        if len(found) > MOST_LISTED:
            listed.append(f"  and {len(found) - MOST_LISTED} more; see: {listing}")
        raise NotFoundError(
            f"'{wanted}' is part of the ids of {len(found)} {kind}s.",
            "\n".join(["Give more of the one meant:", *listed]),
        )
    return found[0]
