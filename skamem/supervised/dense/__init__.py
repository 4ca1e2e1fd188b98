"""Dense associative memories that are trained; users import them from `skamem` or `skamem.supervised`."""

__all__: list[str] = []
