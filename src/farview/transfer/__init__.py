"""What the student learns from the teacher: attention, confidence, losses, rolling weights; one idea a file."""
