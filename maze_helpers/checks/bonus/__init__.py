"""The checks of the bonus track, one a notebook: `checks.bonus.project(…)`."""
