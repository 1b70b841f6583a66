"""Whether learning took: checks of answers, scenarios, measures with intervals, the gate a night must pass."""
