"""A transparency log in a folder, in the formats of C2SP (c2sp.org): tiles, checkpoints that are signed notes, and proofs."""
