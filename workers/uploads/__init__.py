"""Jobs of uploads: verification and reassembly."""
