"""Hosting: model servers, the variants that share them out, and the endpoints made of these."""
