"""Recordings to frames: files, folders, cameras, arrays; the sensor model, intervals, the decode-once store. No torch."""
