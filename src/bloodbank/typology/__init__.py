"""Features of languages: WALS or any other CLDF StructureDataset, or URIEL where none is given."""

from bloodbank.typology.features import Features, coverage, distances, features_or_reason, load_features

__all__ = ["Features", "coverage", "distances", "features_or_reason", "load_features"]
