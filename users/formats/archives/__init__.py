"""Archives and pipes as files that formats can read."""
