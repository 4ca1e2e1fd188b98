"""Networks that grow by stages, each fitted to what those before it leave; users import them from `skamem`."""

__all__: list[str] = []
