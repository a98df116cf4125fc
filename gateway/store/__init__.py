"""Where everything is remembered: tables, the two dialects' bulk statements, migrations."""
