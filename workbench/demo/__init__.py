"""Demonstrations for an audience: a story per lesson, played in real time with sound."""

from __future__ import annotations

from workbench.demo.show import Show, Stage
from workbench.demo.stories import STORIES, Story

__all__ = ["STORIES", "Show", "Stage", "Story"]
