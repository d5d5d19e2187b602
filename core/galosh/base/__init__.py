"""The ground floor: errors, texts, paths, settings, clock and durable files.

Every other part may import this one; it imports none of them.
"""
