"""Alibaba Bailian (DashScope) from a shell: checked before sending, journalled before paying."""

__version__ = "0.1.0"
