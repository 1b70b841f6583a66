"""English words too frequent to carry the point of a correction. Other languages simply have no such list here.

Function words alone never make a condition; the other common words do so only where an edit has nothing rarer.
'not', 'no' and 'yes' are no function words: they may be all that an edit changed.
"""

from __future__ import annotations

FUNCTION_WORDS = frozenset(
    """
    a an the this that these those there here it its itself he him his she her hers they them their theirs we us our
    ours you your yours i me my mine who whom whose which what when where why how
    am is are was were be been being do does did doing done have has had having will would shall should can could may
    might must im youre hes shes were theyre ive youve weve theyve youll theyll youd thats
    theres whats lets
    of in on at to for from by with without about into onto over under between among through during before after
    above below up down out off than as and or but nor so if then because while although though since until unless
    whether also too very just only even still again ever such own same other another each every any some both either
    neither all most more much many few several
    """.split()  # noqa: SIM905
)

COMMON_WORDS = FUNCTION_WORDS | frozenset(
    """
    not no yes never cannot cant dont doesnt didnt isnt arent wasnt werent wont wouldnt couldnt shouldnt
    able add allow always answer ask available away back based become begin believe best better big bring build call
    called carry case certain change close come common complete consider contain continue correct create current day
    days different difficult easy end enough ensure example fact far feel find first follow following form free full
    general generally get give given go going good great group hand happen hard help high hold hour hours however
    important include includes including information instead keep kind know known large last late later lead learn
    leave less let life like likely line list little live long look lot made main make making man mean means meet
    minute minutes month months move name named near need needs new next nice note now number offer often old
    once one open order part particular people perhaps person place please point possible pretty probably problem
    provide put question quite rather read ready real really reason receive refer related remember required right run
    said say says see seem send serve set show side simple simply small something sometimes soon specific start
    started starts state stay stop sure system take tell term thing things think time times today together try turn
    two type typical typically understand use used useful user using usual usually various want way week weeks
    wish within word work working world write written wrong year years yet
    """.split()  # noqa: SIM905
)
