"""What a trained model is used for. What runs on a small box needs frames/ and the torch-free part of models/ only."""
