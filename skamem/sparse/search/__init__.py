"""How it is minimised: tableaux with exact exchanges, forward paths, proposals, and the size that is chosen."""

__all__: list[str] = []
