"""How the player brings a cluster to life."""
