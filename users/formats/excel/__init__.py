"""The parts of an Excel workbook, read as streams."""
