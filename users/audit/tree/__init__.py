"""The transparency log of the audit trail: a Merkle tree over the sealed events, and its signed
checkpoints, in the formats of C2SP.
"""
