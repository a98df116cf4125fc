"""ConnectWise PSA (Manage), by its REST API of version 3.0."""
