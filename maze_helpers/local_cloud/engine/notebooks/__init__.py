"""What runs notebook instances: each a Jupyter server, with a folder that outlives its stops."""
