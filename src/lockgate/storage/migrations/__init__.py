"""Migrations: how the schema of an older Lockgate becomes that of this one."""
