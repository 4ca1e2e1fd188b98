"""The mathematics under the estimators: rules, fields, dynamics, and the array-backend switch.

Semi-public: documented for people who add a learning rule or an energy. See the module docstrings.
"""
