"""HaloPSA and HaloITSM, by their one API."""
