"""Functions composed of functions of few variables; users import `CompositionalRegressor` from `skamem`."""

__all__: list[str] = []
