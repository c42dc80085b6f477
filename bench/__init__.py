"""How fast Lockgate is, as ratios to the bare parts it stands on."""
