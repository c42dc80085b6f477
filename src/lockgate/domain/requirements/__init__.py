"""The requirements of a promotion policy: one class for each kind, with one verdict method."""
