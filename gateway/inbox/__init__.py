"""The doors through which remotes reach us: webhooks, polling, mail. They store; meaning is the worker's business."""
