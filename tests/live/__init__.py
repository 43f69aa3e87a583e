"""A bench with a real PBX and real phones: new facts where recordings are the past. See README.md."""
