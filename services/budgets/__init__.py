"""Token buckets and leases: who pays, from which layers, and how much is left."""
