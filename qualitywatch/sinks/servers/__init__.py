"""One file per kind of database; ``qualitywatch.sinks.registry`` names them."""
