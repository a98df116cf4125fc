"""GLPI 10 and 11 by the older API (apirest.php): a manifest, and a hook for the webhook challenge."""
