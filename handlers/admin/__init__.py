"""``/api/admin/…``: what superusers manage, and nobody else."""
