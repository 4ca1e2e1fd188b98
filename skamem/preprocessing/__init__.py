"""Encoders: real-valued data as patterns that binary memories can store."""

from skamem.preprocessing._bipolar import BipolarEncoder

__all__ = ["BipolarEncoder"]
