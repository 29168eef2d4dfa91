"""Recordings to frames: files, folders, arrays; the sensor model, intervals, the decode-once store. No torch."""
