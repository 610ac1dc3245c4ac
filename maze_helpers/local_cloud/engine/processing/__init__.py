"""What runs processing jobs: their hosts, what these read and what they leave behind."""
