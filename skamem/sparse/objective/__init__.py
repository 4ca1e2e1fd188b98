"""What is minimised and on which numbers: the weighted, centred least-squares problem, its quadratic form, criteria."""

__all__: list[str] = []
