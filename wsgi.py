"""The WSGI application, for any server: ``wsgi:application``."""

from gateway.app import create_app

application = create_app()
