"""Imputers: tables with gaps, of numbers and of categories, completed by memories."""

from skamem.impute._imputer import AssociativeImputer

__all__ = ["AssociativeImputer"]
