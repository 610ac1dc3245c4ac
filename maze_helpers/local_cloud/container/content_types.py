"""The content types that the scikit-learn image knows."""

JSON = "application/json"
CSV = "text/csv"
OCTET_STREAM = "application/octet-stream"
ANY = "*/*"
NPY = "application/x-npy"
# Handed to the user's code as text; everything else as bytes.
UTF8_TYPES = [JSON, CSV]
