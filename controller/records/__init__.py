"""Records: what the controller knows, as SQLAlchemy tables; the only place that speaks SQL."""
