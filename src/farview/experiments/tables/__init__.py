"""The paper's tables: what their rows are, running their cells, what the cells say, showing it."""
