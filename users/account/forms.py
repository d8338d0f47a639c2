"""Forms of one account. They normalise and check what was typed; what may be done is for the verbs
to say.
"""
