"""Two imports away from the stage."""


def is_same(one: str, other: str) -> bool:
    """Whether two letters are equal."""
    return one == other
