"""One file per way of storing; ``qualitywatch.store.registry`` names them."""
