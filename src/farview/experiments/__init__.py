"""Evaluate, explain, the report page and the embedded data set's main job."""
