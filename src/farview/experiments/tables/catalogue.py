"""Every table by what the command line calls it."""

from farview.experiments.tables.rows import BEYOND, TABLE_1, TABLE_2, TABLE_3, TABLE_4
from farview.experiments.tables.systems import TABLE_5

TABLES = {str(table.number): table for table in (TABLE_1, TABLE_2, TABLE_3, TABLE_4, TABLE_5, BEYOND)}
