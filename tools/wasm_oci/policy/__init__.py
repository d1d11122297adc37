"""What is allowed: a policy, the facts about an artifact, and the verdict. No I/O and no clock: the time is an argument."""
