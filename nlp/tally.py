"""What was right, invented and missed."""

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Counts of one label."""

    right: int = 0
    invented: int = 0
    missed: int = 0

    def precision(self) -> float:
        """Share of what was given that is right; 1 where nothing was given."""
        given = self.right + self.invented
        return self.right / given if given else 1.0

    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing was given and nothing was there."""
        both = 2 * self.right + self.invented + self.missed
        return round(2 * self.right / both, 3) if both else None

    def figures(self) -> dict[str, float | int | None]:
        """Precision and recall; None where nothing was given or nothing was there."""
        given, there = self.right + self.invented, self.right + self.missed
        return {
            "n": there,
            "given": given,
            "precision": round(self.right / given, 3) if given else None,
            "recall": round(self.right / there, 3) if there else None,
        }
