"""The main job of `bloodbank run`: stages, run folder, results, and opening a bank."""
