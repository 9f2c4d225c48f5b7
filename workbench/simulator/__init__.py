"""A local imitation of Bandwidth's platform, spoken to over HTTP alone: `python -m workbench.simulator`."""
