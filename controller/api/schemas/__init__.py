"""What goes in and out of the API, as pydantic models; unknown fields are refused."""
